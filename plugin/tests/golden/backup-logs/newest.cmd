kubectl kubestash backup logs shop
api one.json
