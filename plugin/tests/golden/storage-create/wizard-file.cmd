kubectl kubestash storage create --no-wait --no-check --endpoint https://s3.example.com --bucket b
api wizard.json
terminal
env NO_COLOR=1
env ACCESSIBLE=1
file keys [ci]
file keys aws_access_key_id = ci
file keys aws_secret_access_key = s3cr3t
stdin 3
stdin /no/such/file
stdin b
stdin 3
stdin /dev/null
stdin b
stdin 2
stdin ann
stdin s3cr3t
stdin q
