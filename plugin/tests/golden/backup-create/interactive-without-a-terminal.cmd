kubectl kubestash backup create -i
