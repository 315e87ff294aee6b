kubectl kubestash backup list --target deployment/orders -o name
api ../verbs.json
