kubectl kubestash backup status orders media
api ../verbs.json
