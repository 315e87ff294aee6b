kubectl kubestash retention create weekly --keep-weekly 8 --allow-namespaces all --export
