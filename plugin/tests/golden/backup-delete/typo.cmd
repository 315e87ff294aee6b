kubectl kubestash backup delete mediax -y
api ../verbs.json
