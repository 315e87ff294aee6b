kubectl kubestash retention create weekly --keep-weekly 8 --max-retention 1y --default
api ../verbs.json
