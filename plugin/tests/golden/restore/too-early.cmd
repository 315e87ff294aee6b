kubectl kubestash restore plan --to-time 2026-11-01T00:00:00Z
api incomplete.json
