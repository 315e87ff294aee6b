kubectl kubestash watch orders
env KUBECONFIG=/nonexistent
