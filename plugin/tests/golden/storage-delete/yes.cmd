kubectl kubestash storage delete minio -y
api ../verbs.json
