# shellcheck shell=bash
# The one node: container runtime, kubelet, kube-proxy.

# A cluster holds about twenty of a user's inotify instances, of which Linux grants 128 at first: the seventh cluster
# would die of "too many open files".
allow_inotify() {
    local limit=/proc/sys/fs/inotify/max_user_instances
    (($(<"$limit") >= 1024)) || { echo 1024 >"$limit"; } 2>/dev/null ||
        note "cannot raise $limit: with several clusters, programs may die of \"too many open files\""
}

ctr_here() { ctr --address "$CONTAINERD_SOCKET" --namespace k8s.io "$@"; }

start_containerd() {
    CNI_FOLDER="$(cni_folder)"
    # Layers cannot be stacked on a file system that is itself stacked (a checkout inside a container).
    SNAPSHOTTER=overlayfs
    [[ "$(stat -fc %T "$STATE")" != overlayfs ]] || SNAPSHOTTER=native
    mkdir -p "$STATE/containerd" "$STATE/cni" "$RUN/containerd"
    render containerd.toml "$STATE/containerd.toml"
    render cni.conflist "$STATE/cni/10-pods.conflist"
    start containerd containerd --config "$STATE/containerd.toml"
}

start_kubelet() {
    local root="$STATE/kubelet"
    ((${#root} + 30 < 108)) ||
        die "the path $root is too long for the kubelet's sockets: set KUBESTASH_CACHE to a shorter one"
    mkdir -p "$root"
    render kubelet.yaml "$STATE/kubelet.yaml"
    start kubelet "$(tool_folder kubernetes)/kubelet" \
        --config="$STATE/kubelet.yaml" \
        --kubeconfig="$STATE/certificates/kubelet.kubeconfig" \
        --root-dir="$root" \
        --cert-dir="$root/pki" \
        --hostname-override=node \
        --node-ip="$NODE_IP"
}

start_kube_proxy() {
    render kube-proxy.yaml "$STATE/kube-proxy.yaml"
    start kube-proxy "$(tool_folder kubernetes)/kube-proxy" --config="$STATE/kube-proxy.yaml"
}
