kubectl kubestash retention create weekly --keep-failed 8
