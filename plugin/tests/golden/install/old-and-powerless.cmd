kubectl kubestash install
api old.json
