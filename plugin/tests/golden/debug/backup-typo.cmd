kubectl kubestash debug backup shpo
api failures.json
