kubectl kubestash restore watch restore-shop-1 --progress=none
api restores.json
