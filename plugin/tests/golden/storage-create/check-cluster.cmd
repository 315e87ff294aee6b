kubectl kubestash storage create minio --bucket backups --access-key-id kubestash --secret-access-key-file - --no-wait --endpoint http://127.0.0.1:1 --check-from=cluster --dry-run=server
stdin s3cr3t
api ../storage-create/live.json
