kubectl kubestash uninstall --dry-run
api installed.json
