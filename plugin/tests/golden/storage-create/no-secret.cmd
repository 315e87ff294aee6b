kubectl kubestash storage create minio --bucket backups --credentials-secret keys
api core.json
