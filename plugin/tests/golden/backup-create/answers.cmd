kubectl kubestash backup create --answers FOLDER/answers.yaml --no-wait --schedule @hourly
api wizard.json
file answers.yaml target: namespace
file answers.yaml create-reader: true
file answers.yaml storage: minio
file answers.yaml generate-encryption-secret: true
file answers.yaml schedule: '@daily'
file answers.yaml keep-daily: 3
