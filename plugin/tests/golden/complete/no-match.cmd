kubectl kubestash __complete trigger zz
api names.json
