kubectl kubestash watch
api idle.json
