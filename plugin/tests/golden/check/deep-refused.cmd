kubectl kubestash check --deep -o short
api deep-refused.json
