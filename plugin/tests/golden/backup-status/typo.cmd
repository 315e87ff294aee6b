kubectl kubestash backup status shp oders
api ../verbs.json
