kubectl kubestash snapshot ls latest -l 'app in x'
