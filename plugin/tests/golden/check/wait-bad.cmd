kubectl kubestash check --wait soon
