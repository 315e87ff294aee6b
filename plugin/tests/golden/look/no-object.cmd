kubectl kubestash history deploy
