kubectl kubestash repository show shop-rep
api ../verbs.json
