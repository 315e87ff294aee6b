kubectl kubestash backup create --target deploy/orders --encryption-secret enc --service-account robot
api one-storage.json
