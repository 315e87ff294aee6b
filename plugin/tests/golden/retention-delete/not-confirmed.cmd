kubectl kubestash retention delete shop
api ../verbs.json
