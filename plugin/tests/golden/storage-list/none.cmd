kubectl kubestash storage list
api ../verbs-empty.json
