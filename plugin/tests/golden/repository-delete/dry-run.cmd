kubectl kubestash repository delete shop-repo --dry-run
api ../verbs.json
