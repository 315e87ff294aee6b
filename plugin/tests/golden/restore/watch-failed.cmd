kubectl kubestash restore watch restore-shop-2 --progress=none
api restores.json
