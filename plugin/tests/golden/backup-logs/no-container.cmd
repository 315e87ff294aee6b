kubectl kubestash backup logs shop -c sidecar
api one.json
