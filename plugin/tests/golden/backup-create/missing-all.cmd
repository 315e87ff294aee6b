kubectl kubestash backup create shop --dry-run
