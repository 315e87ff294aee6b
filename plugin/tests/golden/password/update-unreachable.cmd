kubectl kubestash key update shop-repo --new-password-stdin
stdin another
api repository.json
