kubectl kubestash install
api helm.json
