kubectl kubestash repository unlock shop-repo
api repository.json
