kubectl kubestash retention list -o wide --sort-by age
api ../verbs.json
