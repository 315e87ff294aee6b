kubectl kubestash storage create minio --bucket backups --access-key-id k --secret-access-key-file -
api conflict.json
stdin s3cr3t
