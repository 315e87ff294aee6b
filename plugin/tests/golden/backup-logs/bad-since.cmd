kubectl kubestash backup logs shop --since yesterday
api one.json
