kubectl kubestash uninstall
api installed.json
