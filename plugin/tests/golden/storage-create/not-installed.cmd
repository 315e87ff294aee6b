kubectl kubestash storage create minio --bucket b --workload-identity
api nothing.json
