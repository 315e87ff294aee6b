kubectl kubestash uninstall --delete-crds --confirm dev --force
api installed.json
