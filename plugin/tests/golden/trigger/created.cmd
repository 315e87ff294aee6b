kubectl kubestash trigger shop
api known.json
