kubectl kubestash trigger shop -o name
api known.json
