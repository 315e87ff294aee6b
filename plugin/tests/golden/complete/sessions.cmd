kubectl kubestash __complete trigger shop --sessions ''
api names.json
