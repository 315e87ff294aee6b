kubectl kubestash snapshot ls shop-repo-1
api empty.json
