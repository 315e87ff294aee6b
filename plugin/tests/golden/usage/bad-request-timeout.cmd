kubectl kubestash snapshot list --request-timeout soon
