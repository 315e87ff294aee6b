kubectl kubestash restore delete restore-shop-1 --yes
api restores.json
