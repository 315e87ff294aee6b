kubectl kubestash storage create minio --bucket b --access-key-id k --credentials-secret x --export
