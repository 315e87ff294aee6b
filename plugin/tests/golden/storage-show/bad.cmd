kubectl kubestash storage show offsite
api ../verbs.json
