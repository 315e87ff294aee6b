kubectl kubestash unlock shop-repo --from cluster
api ../unlock/repository.json
