kubectl kubestash __complete trigger --color ''
api names.json
