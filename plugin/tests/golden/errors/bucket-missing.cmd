kubectl kubestash debug backupstorage minio
api bucket-missing.json
