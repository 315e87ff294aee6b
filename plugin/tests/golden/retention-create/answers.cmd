kubectl kubestash retention create --answers FOLDER/answers.yaml --dry-run -o yaml
file answers.yaml name: month
file answers.yaml keep-daily: 7
file answers.yaml allow-namespaces: all
