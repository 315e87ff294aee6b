kubectl kubestash storage create minio --bucket backups --prefix dev --access-key-id kubestash --secret-access-key-file - --diff --dry-run=server
