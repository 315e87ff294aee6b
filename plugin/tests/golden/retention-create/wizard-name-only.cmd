kubectl kubestash retention create --keep-last 5 --diff
api ../storage-create/live.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin monthly
