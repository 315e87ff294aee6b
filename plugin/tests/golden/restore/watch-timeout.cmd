kubectl kubestash restore watch --timeout 2s --progress=none
api restores.json
