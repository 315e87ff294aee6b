kubectl kubestash backup delete media --dry-run
api ../verbs.json
