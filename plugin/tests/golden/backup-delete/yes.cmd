kubectl kubestash backup delete media -y
api ../verbs.json
