kubectl kubestash retention create weekly --keep-daily 8 --dry-run=server -o name
api ../verbs.json
