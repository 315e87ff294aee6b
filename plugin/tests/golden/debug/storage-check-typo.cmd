kubectl kubestash storage check mino
api storage.json
