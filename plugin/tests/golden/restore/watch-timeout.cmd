kubectl kubestash restore watch --timeout 4s --progress=none
api restores.json
