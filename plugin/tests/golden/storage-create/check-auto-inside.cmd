kubectl kubestash storage create minio --bucket backups --access-key-id kubestash --secret-access-key-file - --no-wait --endpoint http://minio.minio.svc:9000 --check-from=auto --dry-run=server
stdin s3cr3t
api ../storage-create/live.json
