kubectl kubestash storage create minio --bucket b --access-key-id k --workload-identity --export
