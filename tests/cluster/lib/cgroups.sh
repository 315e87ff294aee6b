# shellcheck shell=bash
# The cluster's own cgroup, in every hierarchy: pods go below it (kubelet's cgroupRoot), the programs into `programs`.
# A kubelet removes pod cgroups it does not know, so two clusters must not share one.

CGROUP_FILES=/sys/fs/cgroup

unified_cgroups() { [[ "$(stat -fc %T "$CGROUP_FILES")" == cgroup2fs ]]; }

# The root folders under which the cluster's cgroup is made.
cgroup_hierarchies() {
    local entry
    if unified_cgroups; then
        echo "$CGROUP_FILES"
        return
    fi
    for entry in "$CGROUP_FILES"/*/; do
        entry="${entry%/}"
        # `cpu` and `cpuacct` are often links to one hierarchy.
        [[ ! -L $entry && -e $entry/cgroup.procs ]] && echo "$entry"
    done
    return 0
}

make_cgroups() {
    local root file folder
    while read -r root; do
        for folder in "$root/$CGROUP" "$root/$CGROUP/programs"; do
            mkdir -p "$folder"
            # A new cpuset of version 1 admits no process until it has processors and memory nodes.
            for file in cpuset.cpus cpuset.mems; do
                if ! unified_cgroups && [[ -e $folder/$file && -z "$(<"$folder/$file")" ]]; then
                    cat "$(dirname "$folder")/$file" >"$folder/$file"
                fi
            done
        done
    done < <(cgroup_hierarchies)
    ! unified_cgroups || delegate_controllers
}

# Version 2: hand the controllers that a kubelet needs down to the cluster's cgroup.
delegate_controllers() {
    local controller folder
    for folder in "$CGROUP_FILES" "$CGROUP_FILES/$CGROUP"; do
        for controller in cpu cpuset memory pids io hugetlb; do
            [[ " $(<"$folder/cgroup.controllers") " == *" $controller "* ]] || continue
            [[ " $(<"$folder/cgroup.subtree_control") " != *" $controller "* ]] || continue
            if ! echo "+$controller" >"$folder/cgroup.subtree_control" 2>/dev/null; then
                [[ $controller == io || $controller == hugetlb ]] ||
                    die "cannot hand the cgroup controller \"$controller\" down from $folder (inside a container, start it with its own cgroup namespace and move its processes out of the root)"
            fi
        done
    done
}

# Puts the calling shell into the cluster's cgroup.
enter_cgroup() {
    local root
    while read -r root; do
        echo "$BASHPID" >"$root/$CGROUP/programs/cgroup.procs"
    done < <(cgroup_hierarchies)
}

cgroup_processes() {
    local root
    while read -r root; do
        [[ ! -d $root/$CGROUP ]] ||
            find "$root/$CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null || true
    done < <(cgroup_hierarchies) | sort -u
}

# Kills everything in the cluster's cgroup and below, until nothing is left.
kill_cgroup() {
    local attempt pids
    for ((attempt = 0; attempt < 100; attempt++)); do
        mapfile -t pids < <(cgroup_processes)
        ((${#pids[@]})) || return 0
        kill -KILL "${pids[@]}" 2>/dev/null || true
        sleep 0.1
    done
    note "processes of cluster \"$NAME\" do not die: ${pids[*]}"
}

remove_cgroups() {
    local root attempt
    while read -r root; do
        [[ -d $root/$CGROUP ]] || continue
        # The kernel lets go of a cgroup a moment after its last process.
        for ((attempt = 0; attempt < 50; attempt++)); do
            find "$root/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null && break
            sleep 0.1
        done
        [[ ! -d $root/$CGROUP ]] || note "the cgroup $root/$CGROUP cannot be removed"
    done < <(cgroup_hierarchies)
}
