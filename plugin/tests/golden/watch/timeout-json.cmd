kubectl kubestash watch --progress=json --timeout 4s
api pod-not-made.json
