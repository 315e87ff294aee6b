kubectl kubestash repository delete orders-repo --confirm orders-repo
api ../verbs.json
