kubectl kubestash storage list
api ../verbs.json
