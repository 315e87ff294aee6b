kubectl kubestash snapshot show shop-repo-shop-nightly-1795312880
api ../verbs.json
