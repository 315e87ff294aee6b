kubectl kubestash restore watch restore-shop-5 --progress=none
api restores.json
