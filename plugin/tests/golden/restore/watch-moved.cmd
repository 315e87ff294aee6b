kubectl kubestash restore watch restore-shop-3 --progress=none -o name
api restores.json
