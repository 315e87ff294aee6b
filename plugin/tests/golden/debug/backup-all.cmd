kubectl kubestash debug backup
api failures.json
