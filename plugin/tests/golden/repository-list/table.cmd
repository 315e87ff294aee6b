kubectl kubestash repository list
api ../verbs.json
