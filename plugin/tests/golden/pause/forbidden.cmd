kubectl kubestash pause shop
api forbidden.json
