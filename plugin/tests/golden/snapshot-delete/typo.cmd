kubectl kubestash snapshot delete shop-repo-shop-nightly-1795312800x -y
api ../verbs.json
