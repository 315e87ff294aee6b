kubectl kubestash repo show shop-repo
api ../verbs.json
