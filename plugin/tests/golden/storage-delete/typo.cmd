kubectl kubestash storage delete miniox -y
api ../verbs.json
