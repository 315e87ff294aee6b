kubectl kubestash password update shop-repo --new-password-stdin
stdin another
api shared.json
