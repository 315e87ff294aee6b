kubectl kubestash snapshot show -o yaml shop-repo-shop-nightly-1795312800
api ../verbs.json
