kubectl kubestash storage create minio --bucket backups --workload-identity
api flux.json
