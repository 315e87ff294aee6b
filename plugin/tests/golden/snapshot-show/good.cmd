kubectl kubestash snapshot show shop-repo-shop-nightly-1795312800
api ../verbs.json
