kubectl kubestash check --wait 1m -o short
api wait.json
