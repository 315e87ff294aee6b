kubectl kubestash check --deep
api deep.json
