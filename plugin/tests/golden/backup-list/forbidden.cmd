kubectl kubestash backup list
api forbidden.json
