kubectl kubestash backup logs --run shop-nightly-1795356000 --tail 5 --since 1h
api one.json
