kubectl kubestash pause
