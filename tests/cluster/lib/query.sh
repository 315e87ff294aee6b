# shellcheck shell=bash
# Questions to a cluster.

# Prints what keeps the cluster from being healthy, nothing when nothing does. Runs in a subshell of its callers.
what_is_wrong() {
    local slot dead
    slot="$(held_slot)" || { echo "it holds no addresses" && return; }
    use_slot "$slot"
    [[ -e $STATE/ready ]] || { echo "its boot did not finish" && return; }
    dead="$(dead_programs | tr '\n' ' ')"
    [[ -z $dead ]] || { echo "dead: ${dead% }" && return; }
    [[ -e /run/netns/$NETNS ]] || { echo "its network namespace is gone" && return; }
    api_ready >/dev/null 2>&1 || { echo "the API server is not ready" && return; }
    kube wait --for=condition=Ready node/node --timeout=2s >/dev/null 2>&1 || echo "the node is not Ready"
}

verb_status() {
    [[ -e $STATE ]] || die "there is no cluster \"$NAME\""
    local wrong
    wrong="$(what_is_wrong)"
    [[ -z $wrong ]] || die "cluster \"$NAME\" is not healthy: $wrong"
    need_cluster
    echo "cluster \"$NAME\" is up since $(<"$STATE/ready")"
    echo "  node $NODE_IP, services $SERVICE_RANGE, pods $POD_RANGE"
    echo "  folder $STATE (logs in logs/, audit log in logs/audit.log)"
    kube get nodes,pods --all-namespaces
}

verb_kubeconfig() {
    need_cluster
    echo "$STATE/kubeconfig"
}

verb_env() {
    need_cluster
    build_family restic
    cat <<TEXT
export KUBECONFIG='$STATE/kubeconfig'
export KUBESTASH_CLUSTER='$NAME'
export KUBESTASH_CLUSTER_FOLDER='$STATE'
export KUBESTASH_CLUSTER_HOST_IP='$HOST_IP'
export KUBESTASH_CLUSTER_AUDIT_LOG='$STATE/logs/audit.log'
export KUBESTASH_S3_ENDPOINT='http://s3.storage.svc:7070'
export KUBESTASH_S3_HOST_ENDPOINT='http://$S3_SERVICE_IP:7070'
export KUBESTASH_S3_REGION='$S3_REGION'
export KUBESTASH_S3_ACCESS_KEY='$S3_ACCESS_KEY'
export KUBESTASH_S3_SECRET_KEY='$S3_SECRET_KEY'
export KUBESTASH_S3_BUCKET='$S3_BUCKET'
export KUBESTASH_S3_FOLDER='$STATE/storage/$S3_BUCKET'
export KUBESTASH_RESTIC='$(tool_folder restic)/restic'
TEXT
}

# Names of services resolve too: the cluster's own name server stands in /etc/resolv.conf for this command alone.
verb_exec() {
    (($#)) || die "usage: cluster exec [--name NAME] -- COMMAND..."
    need_root exec
    need_cluster
    cat >"$STATE/resolv.conf" <<TEXT
nameserver $DNS_SERVICE_IP
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
TEXT
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec nsenter --net="/run/netns/$NETNS" -- unshare --mount sh -c \
        'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"' sh "$STATE/resolv.conf" "$@"
}
