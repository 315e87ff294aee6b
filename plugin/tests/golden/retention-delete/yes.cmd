kubectl kubestash retention delete short -y
api ../verbs.json
