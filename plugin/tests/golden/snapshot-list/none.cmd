kubectl kubestash snapshot list
api none.json
