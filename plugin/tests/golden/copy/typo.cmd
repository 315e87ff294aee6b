kubectl kubestash copy secret mini --to-namespace backups
api api.json
