kubectl kubestash snapshot show shop-repo-shop-nightly-1795226400
api ../verbs.json
