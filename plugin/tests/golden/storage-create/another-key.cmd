kubectl kubestash storage create minio --bucket backups --prefix dev --access-key-id kubestash --secret-access-key-file - --no-wait
stdin s3cr3t-other
api live.json
