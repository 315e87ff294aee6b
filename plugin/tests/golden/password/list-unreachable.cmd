kubectl kubestash password list shop-repo
api repository.json
