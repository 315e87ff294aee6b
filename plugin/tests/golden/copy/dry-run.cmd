kubectl kubestash copy secret minio --to-namespace backups --dry-run -o yaml
api api.json
