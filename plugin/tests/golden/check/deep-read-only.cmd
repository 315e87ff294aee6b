kubectl kubestash check --deep
api deep.json
env KUBESTASH_READ_ONLY=1
