kubectl kubestash restore list
api incomplete.json
