kubectl kubestash restore plan
api incomplete.json
