kubectl kubestash backup create shop --create-reader --diff
api existing.json
