kubectl kubestash backup create shop --storage mino --target namespace --create-reader --generate-encryption-secret
api ../verbs.json
