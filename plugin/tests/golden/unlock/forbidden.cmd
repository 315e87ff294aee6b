kubectl kubestash repo unlock shop-repo --paths repository/v1/nightly/manifest
api forbidden.json
