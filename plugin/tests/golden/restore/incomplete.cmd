kubectl kubestash restore plan latest
api incomplete.json
