kubectl kubestash debug operator
api operator.json
