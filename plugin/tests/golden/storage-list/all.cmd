kubectl kubestash storage list -A --no-headers
api ../verbs.json
