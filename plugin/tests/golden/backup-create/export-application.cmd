kubectl kubestash backup create --target sts/db --include-dependants --bucket backups --prefix dev --credentials-secret keys --create-reader --encryption-password-file - --max-retention 2mo --export
stdin s3cr3t
