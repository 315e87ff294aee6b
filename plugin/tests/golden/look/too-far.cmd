kubectl kubestash snapshot diff latest~1 latest~2
api empty.json
