kubectl kubestash storage delete minio --dry-run
api ../verbs.json
