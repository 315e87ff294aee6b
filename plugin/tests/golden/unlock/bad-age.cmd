kubectl kubestash unlock shop-repo --older-than soon
