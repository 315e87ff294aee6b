kubectl kubestash resume -l app=media --dry-run
api ../verbs.json
