kubectl kubestash password add shop-repo --new-password-file /dev/null
api repository.json
