kubectl kubestash check --deep -o json
api deep-changed.json
