kubectl kubestash __complete trigger ''
api names.json
