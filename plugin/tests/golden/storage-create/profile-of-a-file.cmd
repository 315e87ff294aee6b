kubectl kubestash storage create minio --bucket backups --credentials-file FOLDER/keys --aws-profile ci --region us-west-2 --dry-run -o yaml
file keys [ci]
file keys aws_access_key_id = ci
file keys aws_secret_access_key = s3cr3t
file keys region = eu-west-1
