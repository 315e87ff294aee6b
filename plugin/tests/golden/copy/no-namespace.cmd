kubectl kubestash copy secret minio --to-namespace backup
api api.json
