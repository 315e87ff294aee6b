kubectl kubestash pause shp
api ../verbs.json
