kubectl kubestash storage create minio --bucket backups --access-key-id kubestash --secret-access-key-file -
stdin s3cr3t
api ready.json
