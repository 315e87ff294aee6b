kubectl kubestash restore plan latest
env KUBESTASH_READ_ONLY=1
api incomplete.json
