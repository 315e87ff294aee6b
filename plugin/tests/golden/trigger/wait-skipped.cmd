kubectl kubestash trigger shop --wait
api skipped.json
