kubectl kubestash storage list --sort-by .status.totalSize --show-labels --no-headers
api ../verbs.json
