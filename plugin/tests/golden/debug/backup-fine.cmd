kubectl kubestash debug backup shop
api fine.json
