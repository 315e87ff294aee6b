kubectl kubestash restore delete restore-shop-4 --dry-run
api restores.json
