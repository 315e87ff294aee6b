kubectl kubestash backup delete orders --confirm orders
api ../verbs.json
