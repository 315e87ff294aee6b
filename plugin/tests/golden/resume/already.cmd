kubectl kubestash backup resume shop
api ../verbs.json
