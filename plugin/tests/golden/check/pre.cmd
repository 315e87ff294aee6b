kubectl kubestash check --pre
api ../verbs.json
