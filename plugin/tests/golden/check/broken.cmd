kubectl kubestash check
api broken.json
