kubectl kubestash storage create --provider azure
