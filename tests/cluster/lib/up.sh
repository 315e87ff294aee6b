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
    make_cgroups
    make_network
    make_certificates
    start_etcd
    start_api_server
    start_containerd
    import_components &
    local import=$!
    must "the API server to be ready" 60 api_ready
    start_controllers
    start_kube_proxy
    wait "$import" || die "failed to import images: see $STATE/logs/images.log"
    start_kubelet
    must "the manifests to be accepted" 30 apply_manifests
    must "the node to register" 60 kube get node node
    must "the node to be Ready" 60 kube wait --for=condition=Ready node/node --timeout=60s
    must "CoreDNS and S3 to be available" 120 deployments_available
    must "the bucket" 30 make_bucket
    must "the default ServiceAccount" 30 kube get serviceaccount default --namespace default
}

# Waits for "$@"; when it does not come true, tells why from the logs.
must() {
    local what="$1" allowed="$2"
    shift 2
    await "$what" "$allowed" "$@" && return
    note "waited $allowed s for $what"
    dead_programs | while read -r program; do
        note "$program is dead; the end of its log:"
        tail -n 15 "$STATE/logs/$program.log" >&2
    done
    "$@" >&2 || true
    die "cluster \"$NAME\" does not boot: logs are in $STATE/logs, \"cluster down --name $NAME\" removes it"
}

api_ready() { kube get --raw /readyz --request-timeout=5s; }

deployments_available() {
    kube wait --for=condition=Available --timeout=120s deployment/coredns --namespace kube-system &&
        kube wait --for=condition=Available --timeout=120s deployment/s3 --namespace storage
}

import_components() {
    local component
    await "the container runtime" 30 ctr_here version || return 1
    for component in pause versitygw coredns; do
        import_image "$(component_archive "$component")" || return 1
    done
}
