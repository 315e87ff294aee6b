kubectl kubestash snapshot show latest~1 --repository shop-repo
api ../verbs.json
