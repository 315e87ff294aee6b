kubectl kubestash restore list
api restores.json
