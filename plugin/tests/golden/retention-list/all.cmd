kubectl kubestash retention list -A --no-headers
api ../verbs.json
