kubectl kubestash watch shop --timeout 1s --progress=none
api goes-on.json
