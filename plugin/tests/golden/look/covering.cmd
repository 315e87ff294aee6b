kubectl kubestash snapshot ls latest -n other
api covering.json
