kubectl kubestash
