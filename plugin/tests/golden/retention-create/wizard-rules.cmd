kubectl kubestash retention create
api ../storage-create/live.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin 5
stdin 7 dayly
stdin 3 failed
stdin 24 hourly, 5 last
stdin b
stdin 48 hourly
stdin Two Days
stdin two-days
stdin often
stdin 0d
stdin 2d
stdin 3
stdin y
