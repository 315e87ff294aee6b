kubectl kubestash restoresession list --phase failed --sort-by name
api restores.json
