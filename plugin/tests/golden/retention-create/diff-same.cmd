kubectl kubestash retention create monthly --keep-daily 7 --diff
api ../storage-create/live.json
