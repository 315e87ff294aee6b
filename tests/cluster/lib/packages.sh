# shellcheck shell=bash
# The Debian packages that a cluster needs: asked for by the program they bring, so that one installed from elsewhere counts.

# program=package
PROGRAMS=(
    containerd=containerd ctr=containerd runc=runc buildah=buildah iptables=iptables conntrack=conntrack
    ip=iproute2 ethtool=ethtool socat=socat openssl=openssl nsenter=util-linux flock=util-linux
    mount=mount
)

# Folder of the CNI plugins, whose place depends on who packaged them.
cni_folder() {
    local folder
    for folder in /usr/lib/cni /opt/cni/bin /usr/libexec/cni; do
        if [[ -x $folder/ptp && -x $folder/host-local ]]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

# Packages of the programs named, or of all and the CNI plugins, as far as they are missing.
missing_packages() {
    local entry
    for entry in "${PROGRAMS[@]}"; do
        (($# == 0)) || [[ " $* " == *" ${entry%%=*} "* ]] || continue
        command -v "${entry%%=*}" >/dev/null || echo "${entry#*=}"
    done | sort -u
    if (($# == 0)); then cni_folder >/dev/null || echo containernetworking-plugins; fi
}

# [PROGRAM...]: installs what is missing of these programs, or of all that a cluster needs.
ensure_packages() {
    local packages log
    mapfile -t packages < <(missing_packages "$@")
    ((${#packages[@]})) || return 0
    command -v apt-get >/dev/null ||
        die "programs are missing and there is no apt-get to install them: ${packages[*]}"
    [[ $EUID -eq 0 ]] ||
        die "Debian packages are missing: sudo apt-get install --no-install-recommends ${packages[*]}"
    lock 7 "$RUN_ROOT/packages.lock" "another cluster is installing packages, waiting"
    mapfile -t packages < <(missing_packages "$@")
    if ((${#packages[@]})); then
        log="$CACHE/logs/packages.log"
        note "installing Debian packages: ${packages[*]}"
        # Lists that are missing or too old: fetch them and try again.
        if ! try_patiently "installing packages" "$log" apt_install "${packages[@]}"; then
            patiently "refreshing the package lists" "$log" apt-get update
            patiently "installing packages" "$log" apt_install "${packages[@]}"
        fi
    fi
    unlock 7
    mapfile -t packages < <(missing_packages "$@")
    ((${#packages[@]} == 0)) || die "still missing after the installation: ${packages[*]}"
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "$@" 7>&- 8>&- 9>&-
}
