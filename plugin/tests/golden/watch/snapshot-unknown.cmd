kubectl kubestash snapshot watch shopp --progress=none
api succeeds.json
