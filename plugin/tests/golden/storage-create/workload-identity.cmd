kubectl kubestash storage create minio --bucket backups --workload-identity --dry-run
