kubectl kubestash doctor
api ../verbs-empty.json
