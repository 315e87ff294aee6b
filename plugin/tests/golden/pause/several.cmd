kubectl kubestash pause shop orders media
api ../verbs.json
