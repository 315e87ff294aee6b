kubectl kubestash pause shop --reason 'node upgrade'
api ../verbs.json
