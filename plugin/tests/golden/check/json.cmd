kubectl kubestash check -o json
api ../verbs.json
