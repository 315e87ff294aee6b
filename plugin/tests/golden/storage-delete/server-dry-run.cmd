kubectl kubestash storage delete offsite --dry-run=server
api ../verbs.json
