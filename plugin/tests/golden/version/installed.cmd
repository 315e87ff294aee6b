kubectl kubestash version -o yaml
api installed.json
