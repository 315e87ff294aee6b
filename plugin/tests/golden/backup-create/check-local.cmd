kubectl kubestash backup create --target namespace --bucket backups --endpoint http://127.0.0.1:1 --access-key-id kubestash --secret-access-key-file - --create-reader --generate-encryption-secret --check-from=local
stdin s3cr3t
api ../storage-create/live.json
