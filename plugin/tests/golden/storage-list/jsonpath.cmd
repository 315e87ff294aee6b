kubectl kubestash storage list -o 'jsonpath={range .items[*]}{.metadata.name} {.spec.storage.s3.bucket}{"\n"}{end}'
api ../verbs.json
