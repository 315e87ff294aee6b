kubectl kubestash check
api ../verbs.json
