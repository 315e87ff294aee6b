kubectl kubestash check --wait 6s -o short
api wait-late.json
