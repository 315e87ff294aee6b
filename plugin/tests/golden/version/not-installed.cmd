kubectl kubestash version
api nothing.json
