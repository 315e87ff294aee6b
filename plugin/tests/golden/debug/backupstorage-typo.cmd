kubectl kubestash debug backupstorage mino
api storage.json
