kubectl kubestash snapshot delete shop-repo-shop-nightly-1795312800 -y
api ../verbs.json
