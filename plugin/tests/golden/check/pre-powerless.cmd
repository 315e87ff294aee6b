kubectl kubestash check --pre
api broken.json
