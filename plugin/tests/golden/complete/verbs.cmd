kubectl kubestash __complete pass
api names.json
