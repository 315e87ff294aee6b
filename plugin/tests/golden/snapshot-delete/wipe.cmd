kubectl kubestash snapshot delete shop-repo-shop-nightly-1795312800 --wipe-data --confirm shop-repo-shop-nightly-1795312800
api ../verbs.json
