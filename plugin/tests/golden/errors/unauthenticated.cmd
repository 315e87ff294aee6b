kubectl kubestash backup list
api unauthenticated.json
