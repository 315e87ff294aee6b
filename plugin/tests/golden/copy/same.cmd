kubectl kubestash copy secret minio --to-namespace shop
api api.json
