kubectl kubestash backup delete orders -y
api ../verbs.json
