kubectl kubestash uninstall --yes
api several-operators.json
