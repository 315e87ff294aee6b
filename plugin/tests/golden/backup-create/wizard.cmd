kubectl kubestash backup create
api wizard.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin 1
stdin 1
stdin 1
stdin 1
stdin 2
stdin 1
stdin v
stdin y
stdin n
