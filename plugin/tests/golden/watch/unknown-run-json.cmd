kubectl kubestash watch shop --run gone --progress=json
api idle.json
