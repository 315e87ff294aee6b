kubectl kubestash pause --all --dry-run=server
api ../verbs.json
