kubectl kubestash version --client -o json
