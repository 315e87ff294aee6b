kubectl kubestash trigr orders
