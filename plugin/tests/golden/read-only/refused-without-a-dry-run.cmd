kubectl kubestash password add shop-repo --new-password-file /nonexistent
env KUBESTASH_READ_ONLY=1
