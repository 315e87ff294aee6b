kubectl kubestash snapshot ls latest deploy/a/b
