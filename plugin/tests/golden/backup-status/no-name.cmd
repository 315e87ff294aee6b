kubectl kubestash backup status
