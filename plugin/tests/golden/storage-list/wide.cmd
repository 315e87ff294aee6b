kubectl kubestash storage list -o wide --sort-by age
api ../verbs.json
