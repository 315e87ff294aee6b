kubectl kubestash status
api ../verbs.json
