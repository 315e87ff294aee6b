kubectl kubestash uninstall --yes
api running.json
