kubectl kubestash backup create --answers FOLDER/answers.yaml
file answers.yaml targte: namespace
