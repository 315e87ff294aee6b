kubectl kubestash backup create
api wizard.json
terminal
env NO_COLOR=1
env KUBESTASH_ACCESSIBLE=1
stdin 1
