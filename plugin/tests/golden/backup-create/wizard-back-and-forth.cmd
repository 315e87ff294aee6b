kubectl kubestash backup create --no-wait
api wizard.json
terminal
env NO_COLOR=1
env TERM=dumb
stdin ?
stdin 9
stdin 3
stdin b
stdin 3
stdin 2
stdin 2
stdin 1
stdin 
stdin backups
stdin 
stdin 2
stdin ann
stdin s3cr3t
stdin 1
stdin 4
stdin every day
stdin @weekly
stdin 2
stdin b
stdin 3
stdin q
