kubectl kubestash debug operator
api no-operator.json
