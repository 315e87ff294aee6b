kubectl kubestash check --fail-on-warnings
api few-rights.json
