kubectl kubestash storage create other --bucket backups --prefix dev --access-key-id kubestash --secret-access-key-file - --diff
stdin s3cr3t
api live.json
