kubectl kubestash restore create latest --prune --no-plan
api incomplete.json
