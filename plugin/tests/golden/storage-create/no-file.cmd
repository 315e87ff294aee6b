kubectl kubestash storage create minio --bucket b --access-key-id k --secret-access-key-file /nonexistent/key --export
