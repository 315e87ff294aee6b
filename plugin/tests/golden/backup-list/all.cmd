kubectl kubestash backup list -A --no-headers
api ../verbs.json
