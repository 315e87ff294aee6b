kubectl kubestash check
