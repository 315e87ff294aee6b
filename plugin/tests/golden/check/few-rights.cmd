kubectl kubestash check
api few-rights.json
