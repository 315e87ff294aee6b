kubectl kubestash __complete unlock sh
api names.json
