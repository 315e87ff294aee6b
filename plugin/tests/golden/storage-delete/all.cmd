kubectl kubestash storage delete --all -y
api ../verbs.json
