kubectl kubestash pause shop --dry-run
api ../verbs.json
