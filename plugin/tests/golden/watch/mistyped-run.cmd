kubectl kubestash watch --run shop-nightly-179531280
api ../verbs.json
