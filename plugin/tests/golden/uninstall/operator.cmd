kubectl kubestash uninstall --yes
api installed.json
