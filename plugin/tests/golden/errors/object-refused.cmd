kubectl kubestash retention create keep --keep-last 3
api object-refused.json
