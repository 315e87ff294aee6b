kubectl kubestash -h
