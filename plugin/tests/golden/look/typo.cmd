kubectl kubestash snapshot ls shop-repo-l
api empty.json
