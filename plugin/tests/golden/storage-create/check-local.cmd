kubectl kubestash storage create minio --bucket backups --access-key-id kubestash --secret-access-key-file - --no-wait --endpoint http://127.0.0.1:1 --check-from=local
stdin s3cr3t
api ../storage-create/live.json
