kubectl kubestash password add shop-repo
api repository.json
