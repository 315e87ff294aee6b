kubectl kubestash backup list
api ../snapshot-list/nothing.json
