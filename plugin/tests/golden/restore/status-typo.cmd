kubectl kubestash restore status restore-shop-9
api restores.json
