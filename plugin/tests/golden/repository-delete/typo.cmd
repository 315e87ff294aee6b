kubectl kubestash repository delete shop-repox -y
api ../verbs.json
