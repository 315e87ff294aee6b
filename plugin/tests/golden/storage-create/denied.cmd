kubectl kubestash storage create minio --bucket backups --credentials-secret keys
api denied.json
