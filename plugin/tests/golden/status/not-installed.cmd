kubectl kubestash status
api ../snapshot-list/nothing.json
