kubectl kubestash storage create minio --bucket backups --prefix dev/shop/ --endpoint http://minio.minio.svc:9000 --access-key-id kubestash --secret-access-key-file - --allow-namespaces shop,pay --default --export
stdin s3cr3t
