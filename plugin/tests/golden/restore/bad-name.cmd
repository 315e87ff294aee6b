kubectl kubestash restore create Shop --snapshot latest --name Shop
api incomplete.json
