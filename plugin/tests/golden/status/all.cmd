kubectl kubestash status -A
api ../verbs.json
