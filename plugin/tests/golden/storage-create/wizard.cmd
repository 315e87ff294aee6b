kubectl kubestash storage create --no-wait
api wizard.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin 1
stdin minio:9000
stdin http://minio.minio.svc:9000
stdin other
stdin /
stdin b
stdin dev
stdin 2
stdin ann
stdin s3cr3t
stdin y
