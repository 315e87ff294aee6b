kubectl kubestash backup create --target namespace --storage minio --create-reader --generate-encryption-secret --max-retention often --dry-run
