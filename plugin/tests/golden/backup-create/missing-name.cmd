kubectl kubestash backup create
