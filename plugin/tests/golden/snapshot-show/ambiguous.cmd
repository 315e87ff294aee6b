kubectl kubestash snapshot show 59ec6904
api ../verbs.json
