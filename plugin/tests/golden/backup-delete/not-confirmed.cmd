kubectl kubestash backup delete media
api ../verbs.json
