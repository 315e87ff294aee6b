kubectl kubestash backup list -o wide --sort-by age
api ../verbs.json
