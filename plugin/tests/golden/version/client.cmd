kubectl kubestash version --client
