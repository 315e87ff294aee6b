kubectl kubestash watch shop --progress=none
api partly.json
