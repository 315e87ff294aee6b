kubectl kubestash storage show --all
api ../verbs-empty.json
