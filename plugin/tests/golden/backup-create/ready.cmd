kubectl kubestash backup create --target namespace --create-reader --generate-encryption-secret
api ready.json
