kubectl kubestash download latest --include a --exclude b
