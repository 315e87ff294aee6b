kubectl kubestash retention show --all
api ../verbs.json
