kubectl kubestash backup create --service-account gone --encryption-secret none
api wizard.json
terminal
env NO_COLOR=1
env KUBESTASH_ACCESSIBLE=1
stdin 1
stdin 1
stdin b
stdin b
stdin 5
stdin 1
stdin q
