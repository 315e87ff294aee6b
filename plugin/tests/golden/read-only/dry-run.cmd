kubectl kubestash pause shop --dry-run=server
api ../verbs.json
env KUBESTASH_READ_ONLY=1
