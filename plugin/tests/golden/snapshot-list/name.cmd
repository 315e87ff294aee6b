kubectl kubestash snapshot list -o name --phase Succeeded --since 12h
api two.json
