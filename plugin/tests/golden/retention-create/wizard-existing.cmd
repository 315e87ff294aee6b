kubectl kubestash retention create monthly
api ../storage-create/live.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin 3
stdin 
stdin 
stdin y
