kubectl kubestash storage create minio --bucket b --credentials-secret keys
api nothing.json
