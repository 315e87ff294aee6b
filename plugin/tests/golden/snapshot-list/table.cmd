kubectl kubestash snapshot list
api two.json
