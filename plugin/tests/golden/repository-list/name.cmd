kubectl kubestash repository list -o name
api ../verbs.json
