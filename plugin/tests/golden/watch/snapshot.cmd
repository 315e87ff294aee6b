kubectl kubestash snapshot watch --progress=none -o name
api succeeds.json
