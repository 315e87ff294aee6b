kubectl kubestash retention list
api ../verbs-empty.json
