kubectl kubestash backup create --target orders --dry-run
