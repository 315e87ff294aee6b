kubectl kubestash watch shop --progress=none
api succeeds.json
