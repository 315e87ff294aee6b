kubectl kubestash backup status shop -o name
api ../verbs.json
