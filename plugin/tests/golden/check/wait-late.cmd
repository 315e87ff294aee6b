kubectl kubestash check --wait 3s -o short
api wait-late.json
