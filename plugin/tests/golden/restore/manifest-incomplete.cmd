kubectl kubestash manifest-restore --snapshot latest
api incomplete.json
