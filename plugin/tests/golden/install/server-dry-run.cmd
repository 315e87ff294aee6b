kubectl kubestash install --dry-run=server -o name
api empty.json
