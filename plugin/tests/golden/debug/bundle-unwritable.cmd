kubectl kubestash debug bundle --output-file /proc/nowhere/x.tar.gz
api bundle.json
