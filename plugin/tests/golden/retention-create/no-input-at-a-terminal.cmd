kubectl kubestash retention create --no-input
api ../storage-create/live.json
terminal
