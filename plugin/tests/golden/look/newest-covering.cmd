kubectl kubestash snapshot ls latest -n third
api covering.json
