kubectl kubestash backup list
api server-error.json
