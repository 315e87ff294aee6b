kubectl kubestash backup logs shpo
api one.json
