kubectl kubestash storage list --sort-by size -o yaml
api ../verbs.json
