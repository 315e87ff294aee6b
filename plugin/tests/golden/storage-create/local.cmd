kubectl kubestash storage create nfs --nfs-server 10.0.0.9 --nfs-path /export --deletion-policy wipe-out --export
