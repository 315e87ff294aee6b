kubectl kubestash storage delete offsite --confirm offsite
api ../verbs.json
