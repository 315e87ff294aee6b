kubectl kubestash check -A
api good.json
