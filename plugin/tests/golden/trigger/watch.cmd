kubectl kubestash backup trigger shop --watch --progress=none
api succeeds.json
