kubectl kubestash install --dry-run=server
api newer-operator.json
