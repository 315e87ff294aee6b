kubectl kubestash storage create minio --bucket backups --aws-profile dve --dry-run
env HOME=FOLDER
file .aws/credentials [default]
file .aws/credentials aws_access_key_id = kubestash
file .aws/credentials aws_secret_access_key = s3cr3t
file .aws/credentials [short]
file .aws/credentials aws_access_key_id = temporary
file .aws/credentials aws_secret_access_key = s3cr3t
file .aws/credentials aws_session_token = s3cr3t
file .aws/config [profile dev]
file .aws/config region = eu-central-1
file .aws/credentials [dev]
file .aws/credentials aws_access_key_id = dev
file .aws/credentials aws_secret_access_key = s3cr3t
