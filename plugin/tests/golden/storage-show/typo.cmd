kubectl kubestash storage show mino
api ../verbs.json
