kubectl kubestash snapshot ls shop-repo-1 --components dump
api empty.json
