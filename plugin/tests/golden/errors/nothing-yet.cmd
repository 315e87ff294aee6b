kubectl kubestash check -o json
api ../verbs-empty.json
