kubectl kubestash unlock shop-repo
api empty.json
