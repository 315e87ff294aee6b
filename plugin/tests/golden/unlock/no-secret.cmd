kubectl kubestash unlock shop-repo
api no-secret.json
