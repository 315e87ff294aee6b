kubectl kubestash trigger
