kubectl kubestash retention list
api ../verbs.json
