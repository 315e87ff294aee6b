# shellcheck shell=bash
# Boots a cluster.

verb_up() {
    (($# == 0)) || die "usage: cluster up [--name NAME]"
    need_root up
    ensure_packages
    lock 8 "$CACHE/locks/cluster-$NAME" "another \"cluster up\" or \"down\" of \"$NAME\" is running, waiting for it"
    if held_slot >/dev/null && [[ -z "$(what_is_wrong)" ]]; then
        note "cluster \"$NAME\" is up: KUBECONFIG=$STATE/kubeconfig"
        return
    fi
    if [[ -e $STATE ]]; then
        note "cluster \"$NAME\" is not healthy ($(what_is_wrong)): removing what is left of it"
        tear_down
    fi
    verb_build
    local component began
    for component in pause versitygw coredns; do ensure_component_image "$component"; done
    began=$EPOCHREALTIME
    note "booting cluster \"$NAME\": Kubernetes $(family_version kubernetes)"
    claim_slot
    boot
    date --utc +%FT%TZ >"$STATE/ready"
    note "cluster \"$NAME\" is up in $(seconds_since "$began") s: KUBECONFIG=$STATE/kubeconfig"
}

seconds_since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'; }

boot() {
    allow_inotify
    make_cgroups
    make_network
    make_certificates
    start_etcd
    start_api_server
    start_containerd
    import_components 7>&- 8>&- 9>&- &
    local import=$!
    must "the API server to be ready" api_ready
    start_controllers
    start_kube_proxy
    wait "$import" || die "failed to import images: see $STATE/logs/images.log"
    start_kubelet
    must "the manifests to be accepted" apply_manifests
    must "the node to register" kube get node node
    must "the node to be Ready" node_ready
    must "CoreDNS and S3 to be available" deployments_available
    must "the bucket" make_bucket
    must "the default ServiceAccount" kube get serviceaccount default --namespace default
}

# Long enough for a slow and busy machine: a program that dies is noticed at once.
PATIENCE=300

# WHAT COMMAND...: asks until COMMAND succeeds; when that takes too long, or a program of the cluster dies, tells why.
must() {
    local what="$1" deadline=$((SECONDS + PATIENCE)) program=""
    shift
    until "$@" >/dev/null 2>&1; do
        program="$(dead_programs)"
        program="${program%%$'\n'*}"
        if [[ -n $program ]]; then
            tail -n 15 "$STATE/logs/$program.log" >&2
            die "$program died while cluster \"$NAME\" waited for $what; logs are in $STATE/logs"
        elif ((SECONDS >= deadline)); then
            "$@" >&2 || true
            die "waited $PATIENCE s for $what of cluster \"$NAME\"; logs are in $STATE/logs"
        fi
        sleep 0.1
    done
}

api_ready() { kube get --raw /readyz --request-timeout=5s; }

node_ready() { kube wait --for=condition=Ready node/node --timeout=10s; }

deployments_available() {
    kube wait --for=condition=Available --timeout=10s deployment/coredns --namespace kube-system &&
        kube wait --for=condition=Available --timeout=10s deployment/s3 --namespace storage
}

import_components() {
    local component
    await "$PATIENCE" ctr_here version || return 1
    for component in pause versitygw coredns; do
        import_image "$(component_archive "$component")" || return 1
    done
}
