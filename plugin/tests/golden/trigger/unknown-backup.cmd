kubectl kubestash trigger shpo
api known.json
