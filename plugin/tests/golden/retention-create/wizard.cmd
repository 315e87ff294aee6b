kubectl kubestash retention create --save-answers FOLDER/answers.yaml
api ../storage-create/live.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
stdin ?
stdin 1
stdin 
stdin none
stdin 1
stdin v
stdin b
stdin 2
stdin y
