kubectl kubestash restore status restore-shop-2
api restores.json
