kubectl kubestash backup list --problems --storage offsite
api ../verbs.json
