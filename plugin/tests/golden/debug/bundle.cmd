kubectl kubestash debug bundle --backup shop --since 48h --output-file /dev/null
api bundle.json
