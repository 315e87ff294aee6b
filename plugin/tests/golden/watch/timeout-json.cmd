kubectl kubestash watch --progress=json --timeout 1s
api goes-on.json
