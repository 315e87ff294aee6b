kubectl kubestash password update shop-repo --new-password-stdin
stdin s3cr3t
api repository.json
