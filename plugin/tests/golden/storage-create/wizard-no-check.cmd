kubectl kubestash storage create minio --bucket backups --endpoint http://127.0.0.1:1 --no-wait --no-check
api wizard.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin 1
stdin q
