kubectl kubestash snapshot show latest~9 -o name
api ../verbs.json
