kubectl kubestash backup create --target namespace --schedule '61 * * * *' --dry-run
