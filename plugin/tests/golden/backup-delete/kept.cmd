kubectl kubestash backup delete shop -y
api ../verbs.json
