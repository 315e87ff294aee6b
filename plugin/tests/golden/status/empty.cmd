kubectl kubestash status
api ../verbs-empty.json
