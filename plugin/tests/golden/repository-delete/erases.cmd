kubectl kubestash repository delete orders-repo -y
api ../verbs.json
