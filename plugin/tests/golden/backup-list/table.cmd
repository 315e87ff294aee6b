kubectl kubestash backup list
api ../verbs.json
