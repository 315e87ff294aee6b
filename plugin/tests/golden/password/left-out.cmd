kubectl kubestash pw update shop-repo --new-password-stdin --paths repository/v1/other/manifest
stdin another
api repository.json
