kubectl kubestash trigger shop
api paused.json
