kubectl kubestash storage delete offsite -y
api ../verbs.json
