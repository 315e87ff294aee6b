kubectl kubestash storage delete offsite --confirm minio --yes
api ../verbs.json
