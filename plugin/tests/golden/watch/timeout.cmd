kubectl kubestash watch shop --timeout 1s
api goes-on.json
