kubectl kubestash unlock shop-rep
api repository.json
