kubectl kubestash storage delete minio
api ../verbs.json
