kubectl kubestash backup status shop
api ../verbs.json
