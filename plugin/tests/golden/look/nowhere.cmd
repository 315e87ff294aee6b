kubectl kubestash history deploy/orders -n other
api empty.json
