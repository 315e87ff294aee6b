kubectl kubestash completion kubectl
