kubectl kubestash snapshot delete shop-repo-shop-nightly-1795312800 --wipe-data -y
api ../verbs.json
