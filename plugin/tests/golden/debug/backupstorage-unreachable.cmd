kubectl kubestash debug backupstorage minio
api storage.json
