kubectl kubestash snapshot find
