kubectl kubestash storage create minio --bucket backups --workload-identity
api conflict.json
