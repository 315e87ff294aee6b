kubectl kubestash backup create --target namespace --yes --no-wait --save-answers FOLDER/answers.yaml
api wizard.json
terminal
env NO_COLOR=1
env KUBESTASH_ACCESSIBLE=1
stdin 1
stdin 1
stdin 1
