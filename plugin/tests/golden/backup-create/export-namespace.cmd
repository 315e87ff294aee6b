kubectl kubestash backup create --target namespace --storage backups/minio --create-reader --generate-encryption-secret --export
