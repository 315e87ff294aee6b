# shellcheck shell=bash
# Root file systems from Debian packages, without a registry, a container engine or root: resolve with apt against an
# empty system, download, extract. Maintainer scripts do not run, so what they would have made is made here.

# Needed by maintainer scripts only. A package named by the caller is taken all the same.
SCRIPTS_ONLY='^(perl|perl-base|perl-modules-.*|libperl.*|lib.*-perl|dpkg|tar|debconf|debianutils|usrmerge|adduser|passwd'
SCRIPTS_ONLY+='|init-system-helpers|lsb-base|sysvinit-utils|cdebconf|ucf|sensible-utils|iproute2)$'

# apt with an own, unprivileged state: the machine's is neither needed nor touched.
apt_alone() {
    local folder="$CACHE/apt"
    mkdir -p "$folder"/{state/lists/partial,cache/archives/partial}
    : >>"$folder/status"
    "$1" -o Dir::State="$folder/state" -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" \
        -o APT::Sandbox::User="" -o Debug::NoLocking=1 -o Acquire::Languages=none -o APT::Install-Recommends=0 \
        -o APT::Architecture="$(dpkg --print-architecture)" "${@:2}"
}

# Refreshes the package lists when they are older than a week, or when told.
refresh_lists() {
    local stamp="$CACHE/apt/refreshed"
    if [[ ${1:-} == now || -z "$(find "$stamp" -mtime -7 2>/dev/null)" ]]; then
        quietly "$CACHE/logs/apt.log" apt_alone apt-get update
        touch "$stamp"
    fi
}

# Prints NAME VERSION of the packages and all they depend on.
closure() {
    local wanted=" $* "
    apt_alone apt-get --simulate install "$@" | awk -v skip="$SCRIPTS_ONLY" -v wanted="$wanted" '
        $1 == "Inst" && ($2 !~ skip || index(wanted, " " $2 " ")) { print $2, substr($3, 2) }'
}

# Prints NAME VERSION of the packages alone.
candidates() {
    local name
    for name in "$@"; do
        echo "$name $(apt_alone apt-cache policy "$name" | awk '$1 == "Candidate:" { print $2 }')"
    done
}

# Prints the paths of the archives of NAME VERSION lines, downloading what is not there.
fetch_packages() {
    local archives="$CACHE/apt/cache/archives" name version missing=() list=() entry
    while read -r name version; do
        list+=("$archives/${name}_${version//:/%3a}")
        compgen -G "${list[-1]}_*.deb" >/dev/null || missing+=("$name=$version")
    done
    if ((${#missing[@]})); then
        (cd "$archives" && apt_alone apt-get download "${missing[@]}" >&2) || return 1
    fi
    for entry in "${list[@]}"; do compgen -G "${entry}_*.deb" || return 1; done
}

# RESOLVER PACKAGE...: lists names and versions with RESOLVER and leaves the paths of the archives in CACHE/apt/archives.
obtain_packages() {
    local resolver="$1"
    shift
    "$resolver" "$@" >"$CACHE/apt/wanted" && fetch_packages <"$CACHE/apt/wanted" >"$CACHE/apt/archives"
}

# RESOLVER FOLDER PACKAGE...
extract_resolved() {
    local resolver="$1" folder="$2" log="$CACHE/logs/apt.log"
    shift 2
    lock 7 "$CACHE/apt/lock" "another build is downloading Debian packages, waiting"
    mkdir -p "$CACHE/logs"
    refresh_lists
    # Lists older than the mirror name versions that are gone from it.
    obtain_packages "$resolver" "$@" 2>"$log" ||
        { refresh_lists now && obtain_packages "$resolver" "$@" 2>"$log"; } || {
        tail -n 15 "$log" >&2
        die "failed to get the Debian packages $*"
    }
    extract_packages "$folder" <"$CACHE/apt/archives"
    unlock 7
}

# FOLDER PACKAGE...: extracts the packages and what they depend on, and Debian's own users (www-data and so on).
debian_rootfs() { extract_resolved closure "$1" base-passwd "${@:2}"; }

# FOLDER PACKAGE...: extracts these packages alone.
debian_extract() { extract_resolved candidates "$@"; }

# Extracts the archives named on standard input and makes what maintainer scripts would have made.
extract_packages() {
    local folder="$1" archive name
    mkdir -p "$folder"/usr/{bin,sbin,lib,lib64} "$folder"/{etc,run,var/log,var/lib,var/cache}
    install -d -m 1777 "$folder/tmp" "$folder/var/tmp"
    for name in bin sbin lib lib64; do
        [[ -e $folder/$name ]] || ln -s "usr/$name" "$folder/$name"
    done
    while read -r archive; do
        dpkg-deb --fsys-tarfile "$archive" |
            tar -x --no-same-owner --keep-directory-symlink -C "$folder"
    done
    find "$folder/usr/share/doc" -type f ! -name copyright -delete 2>/dev/null || true
    rm -rf "$folder"/usr/share/{man,info,locale,lintian,bug}
    [[ -e $folder/etc/nsswitch.conf ]] || echo "hosts: files dns" >"$folder/etc/nsswitch.conf"
    if [[ ! -e $folder/etc/passwd && -e $folder/usr/share/base-passwd/passwd.master ]]; then
        cp "$folder/usr/share/base-passwd/passwd.master" "$folder/etc/passwd"
        cp "$folder/usr/share/base-passwd/group.master" "$folder/etc/group"
    elif [[ ! -e $folder/etc/passwd ]]; then
        echo "root:x:0:0:root:/:/bin/sh" >"$folder/etc/passwd"
        echo "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin" >>"$folder/etc/passwd"
        printf 'root:x:0:\nnogroup:x:65534:\n' >"$folder/etc/group"
    fi
    if compgen -G "$folder/usr/share/ca-certificates/mozilla/*.crt" >/dev/null; then
        mkdir -p "$folder/etc/ssl/certs"
        cat "$folder"/usr/share/ca-certificates/mozilla/*.crt >"$folder/etc/ssl/certs/ca-certificates.crt"
    fi
}

verb_debian_rootfs() {
    (($# >= 2)) || die "usage: cluster debian-rootfs FOLDER PACKAGE..."
    debian_rootfs "$@"
}
