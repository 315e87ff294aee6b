kubectl kubestash repository delete shop-repo
api ../verbs.json
