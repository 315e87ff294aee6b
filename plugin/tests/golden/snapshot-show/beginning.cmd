kubectl kubestash snapshot show shop-repo-shop-nightly-179531280
api ../verbs.json
