kubectl kubestash check --deep -o short
api deep.json
