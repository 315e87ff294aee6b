kubectl kubestash backup pause media
api ../verbs.json
