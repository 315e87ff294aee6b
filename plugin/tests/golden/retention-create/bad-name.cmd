kubectl kubestash retention create Weekly --keep-daily 8
