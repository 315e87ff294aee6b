kubectl kubestash retention create monthly --keep-daily 14 --diff
api ../storage-create/live.json
