kubectl kubestash storage create minio --bucket backups --prefix dev/shop --access-key-id kubestash --secret-access-key-file - --diff
stdin s3cr3t-other
api live.json
