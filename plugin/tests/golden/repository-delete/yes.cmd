kubectl kubestash repository delete shop-repo -y
api ../verbs.json
