kubectl kubestash backup create --target namespace --storage minio --create-reader --no-wait --generate-encryption-secret -i
api wizard.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
env EDITOR=sed -i s/backupTimeout:.*/backupTimeout:\ 3h/
stdin 1
stdin 2
stdin e
stdin v
stdin y
