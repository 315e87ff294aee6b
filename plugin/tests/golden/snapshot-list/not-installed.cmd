kubectl kubestash snapshot list
api nothing.json
