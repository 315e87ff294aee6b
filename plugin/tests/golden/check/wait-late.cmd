kubectl kubestash check --wait 1s -o short
api wait-late.json
