kubectl kubestash retention create
