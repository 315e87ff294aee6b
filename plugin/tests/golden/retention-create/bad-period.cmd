kubectl kubestash retention create weekly --max-retention 2months
