kubectl kubestash install --operator-namespace elsewhere --dry-run=server
api ../verbs.json
