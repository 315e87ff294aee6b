kubectl kubestash repository list -A --no-headers
api ../verbs.json
