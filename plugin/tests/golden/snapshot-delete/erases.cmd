kubectl kubestash snapshot delete orders-repo-orders-nightly-1795300000 -y
api ../verbs.json
