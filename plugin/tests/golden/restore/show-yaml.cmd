kubectl kubestash restore show restore-shop-3 -o jsonpath={.status.phase}
api restores.json
