kubectl kubestash backup logs shop
api two.json
