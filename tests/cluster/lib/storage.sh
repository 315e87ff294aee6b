# shellcheck shell=bash
# The S3 server: versitygw in a pod, its objects in STATE/storage on the host.

S3_ACCESS_KEY=kubestash
S3_SECRET_KEY=kubestash-secret
S3_REGION=us-east-1
S3_BUCKET=backups

# The server's own administration tool, from the host. Keys go by the environment, not by the argument list.
s3_admin() {
    ADMIN_ACCESS_KEY="$S3_ACCESS_KEY" ADMIN_SECRET_KEY="$S3_SECRET_KEY" ADMIN_REGION="$S3_REGION" \
        ADMIN_ENDPOINT_URL="http://$S3_SERVICE_IP:7070" "$(tool_folder versitygw)/versitygw" admin "$@"
}

make_bucket() { s3_admin create-bucket --owner "$S3_ACCESS_KEY" --bucket "$S3_BUCKET"; }

verb_storage_folder() {
    need_cluster
    echo "$STATE/storage"
}
