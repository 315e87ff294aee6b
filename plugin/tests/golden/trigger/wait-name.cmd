kubectl kubestash trigger shop --wait -o name
api succeeds.json
