kubectl kubestash backup create shop --create-reader --yes -o name
api existing.json
