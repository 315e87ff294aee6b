kubectl kubestash watch --progress=json --timeout 1s
api pod-not-made.json
