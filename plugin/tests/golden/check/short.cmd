kubectl kubestash check -o short
api ../verbs.json
