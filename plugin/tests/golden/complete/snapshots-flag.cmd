kubectl kubestash __complete watch --run ''
api names.json
