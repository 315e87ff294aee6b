kubectl kubestash restore create latest
env KUBESTASH_READ_ONLY=1
api incomplete.json
