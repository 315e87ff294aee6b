kubectl kubestash storage create minio --bucket backups --access-key-id kubestash --secret-access-key-file - --dry-run -o yaml
stdin s3cr3t
