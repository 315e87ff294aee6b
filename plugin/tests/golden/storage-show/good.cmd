kubectl kubestash storage show minio
api ../verbs.json
