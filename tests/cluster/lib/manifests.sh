# shellcheck shell=bash
# What runs in every cluster from the start: names for services, volumes for claims.

# As many claims as tests and demo may make.
VOLUMES=6

# The machine's kubectl, or the one that was built because there is none.
kube() {
    local program=kubectl
    command -v kubectl >/dev/null || program="$(tool_folder kubectl)/kubectl"
    "$program" --kubeconfig "$STATE/kubeconfig" "$@"
}

apply_template() {
    mkdir -p "$STATE/manifests"
    render "$1.yaml" "$STATE/manifests/${2:-$1}.yaml"
}

# Renders everything into STATE/manifests and applies it at once.
apply_manifests() {
    local number
    COREDNS_IMAGE="$(component_reference coredns)"
    VERSITYGW_IMAGE="$(component_reference versitygw)"
    STORAGE_FOLDER="$STATE/storage"
    mkdir -p "$STORAGE_FOLDER"
    apply_template coredns
    apply_template storage
    apply_template storage-class
    for ((number = 1; number <= VOLUMES; number++)); do
        VOLUME_NAME="volume-$number"
        VOLUME_FOLDER="$STATE/volumes/$number"
        # Programs in pods have users of their own.
        install -d -m 1777 "$VOLUME_FOLDER"
        apply_template volume "$VOLUME_NAME"
    done
    kube apply --filename "$STATE/manifests" >"$STATE/logs/manifests.log"
}
