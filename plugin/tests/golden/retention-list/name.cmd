kubectl kubestash retention list -o name
api ../verbs.json
