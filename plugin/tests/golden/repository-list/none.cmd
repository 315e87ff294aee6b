kubectl kubestash repository list
api ../verbs-empty.json
