kubectl kubestash snapshot cat latest
