kubectl kubestash storage create
