kubectl kubestash cp secret minio --to-namespace backups
api api.json
