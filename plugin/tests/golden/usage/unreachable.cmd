kubectl kubestash snapshot list
