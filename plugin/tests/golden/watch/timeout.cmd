kubectl kubestash watch shop --timeout 4s --progress=none
api goes-on.json
