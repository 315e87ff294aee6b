kubectl kubestash snapshot cat latest:deploy/orders
api empty.json
