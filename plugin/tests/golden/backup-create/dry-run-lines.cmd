kubectl kubestash backup create --target ns/pay --storage minio --create-reader --generate-encryption-secret --dry-run
