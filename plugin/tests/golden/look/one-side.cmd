kubectl kubestash snapshot diff latest
