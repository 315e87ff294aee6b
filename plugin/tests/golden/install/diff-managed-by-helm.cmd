kubectl kubestash install --diff
api helm.json
