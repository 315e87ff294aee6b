kubectl kubestash resume media
api ../verbs.json
