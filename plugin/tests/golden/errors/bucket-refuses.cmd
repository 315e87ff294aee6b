kubectl kubestash debug backupstorage minio
api bucket-refuses.json
