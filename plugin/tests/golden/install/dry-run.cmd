kubectl kubestash install --dry-run=client --image r/k:1 --operator-namespace stash
