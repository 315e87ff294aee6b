kubectl kubestash backup create shop --no-input
api wizard.json
terminal
