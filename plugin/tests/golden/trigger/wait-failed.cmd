kubectl kubestash trigger shop --wait
api fails.json
