kubectl kubestash pause shop
api flux.json
