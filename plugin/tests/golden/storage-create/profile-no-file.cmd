kubectl kubestash storage create minio --bucket backups --aws-profile dev --dry-run
env HOME=FOLDER
