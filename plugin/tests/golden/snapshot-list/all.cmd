kubectl kubestash snap list -A --no-headers
api two.json
