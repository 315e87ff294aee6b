kubectl kubestash restore plan --to-time yesterday
api incomplete.json
