kubectl kubestash storage list -o name
api ../verbs.json
