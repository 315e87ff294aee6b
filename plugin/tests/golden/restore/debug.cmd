kubectl kubestash debug restore
api restores.json
