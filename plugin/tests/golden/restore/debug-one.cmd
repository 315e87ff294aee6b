kubectl kubestash debug restore restore-shop-1
api restores.json
