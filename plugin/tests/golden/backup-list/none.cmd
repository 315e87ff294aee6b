kubectl kubestash backup list
api ../verbs-empty.json
