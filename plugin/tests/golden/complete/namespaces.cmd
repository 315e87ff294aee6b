kubectl kubestash __complete trigger -n ''
api names.json
