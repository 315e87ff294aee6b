kubectl kubestash watch shop
api forbidden.json
