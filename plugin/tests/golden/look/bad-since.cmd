kubectl kubestash history deploy/orders --since tomorrow
