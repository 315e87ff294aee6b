kubectl kubestash snapshot list -o wide
api two.json
