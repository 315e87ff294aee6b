kubectl kubestash password list shop-repo
api repository-unusable.json
