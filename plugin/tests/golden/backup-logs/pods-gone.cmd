kubectl kubestash backup logs shop -f
api none.json
