kubectl kubestash pause shop --reason 'node upgrade'
api ../verbs.json
env KUBESTASH_READ_ONLY=1
