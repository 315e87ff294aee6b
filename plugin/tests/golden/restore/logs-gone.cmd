kubectl kubestash restore logs restore-shop-2
api restores.json
