kubectl kubestash snapshot delete orders-repo-orders-nightly-1795300000 --confirm orders-repo-orders-nightly-1795300000
api ../verbs.json
