kubectl kubestash backup list
api ../verbs.json
env KUBESTASH_READ_ONLY=1
