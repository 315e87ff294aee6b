kubectl kubestash backup list -o name
api ../verbs.json
