kubectl kubestash watch shop --run shop-nightly-1
api idle.json
