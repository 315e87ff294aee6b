kubectl kubestash password remove shop-repo --id-paths abcd
api repository.json
