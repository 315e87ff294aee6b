kubectl kubestash trigger shop --sessions nigthly
api known.json
