# shellcheck shell=bash
# Takes a cluster away: by recorded process ids, then by its own cgroup, whatever part of it is still there.

verb_down() {
    (($# == 0)) || die "usage: cluster down [--name NAME]"
    need_root down
    lock 8 "$CACHE/locks/cluster-$NAME" "another \"cluster up\" or \"down\" of \"$NAME\" is running, waiting for it"
    if [[ ! -e $STATE ]]; then
        note "there is no cluster \"$NAME\""
        return
    fi
    tear_down
    note "cluster \"$NAME\" is gone"
}

tear_down() {
    local slot
    stop_recorded
    if slot="$(held_slot)"; then
        use_slot "$slot"
        release_machine "$STATE"
    fi
    unmount_below "$STATE"
    rm -rf --one-file-system "$STATE"
}

# Frees what the cluster of folder OWNER holds of the machine: everything that goes by its slot.
release_machine() {
    local owner="$1"
    kill_cgroup
    remove_shim_sockets
    remove_log_links "$owner"
    unmount_below "$RUN"
    unmount_below "$owner"
    remove_network
    remove_cgroups
    rm -rf --one-file-system "$RUN"
    rm -f "$RUN_ROOT/slots/$SLOT"
}

# A shim killed by force leaves its socket, whose path it wrote down, in a folder shared with other runtimes.
remove_shim_sockets() {
    local file socket
    for file in "$RUN"/containerd/io.containerd.runtime.v2.task/k8s.io/*/address; do
        [[ -e $file ]] || continue
        socket="$(<"$file")"
        rm -f "${socket#unix://}"
    done
}

# The kubelet keeps links to container logs in a folder whose place is fixed.
remove_log_links() {
    [[ ! -d /var/log/containers ]] || find /var/log/containers -maxdepth 1 -type l -lname "$1/*" -delete
}

mounts_below() {
    awk -v folder="$1/" 'index($5, folder) == 1 { print length($5) "\t" $5 }' /proc/self/mountinfo | sort -rn | cut -f2-
}

# Nothing below FOLDER may be removed while a mount is there: it could be somebody's own folder.
unmount_below() {
    local point
    while read -r point; do
        printf -v point '%b' "$point"
        umount "$point" 2>/dev/null || umount --lazy "$point" 2>/dev/null || true
    done < <(mounts_below "$1")
    [[ -z "$(mounts_below "$1")" ]] || die "these cannot be unmounted: $(mounts_below "$1" | tr '\n' ' ')"
}
