kubectl kubestash debug backup shop --sessions nightly --latest
api failures.json
