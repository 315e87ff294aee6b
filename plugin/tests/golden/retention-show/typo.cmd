kubectl kubestash retention show shrt
api ../verbs.json
