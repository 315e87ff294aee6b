kubectl kubestash repository list -o wide --sort-by age
api ../verbs.json
