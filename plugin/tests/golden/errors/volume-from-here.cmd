kubectl kubestash debug backupstorage minio
api volume-from-here.json
