kubectl kubestash retention create
api ../storage-create/live.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin 1
