# shellcheck shell=bash
# Container images, built without a registry, as docker-archive files in CACHE/images.

BASE_NAME=localhost/kubestash-base
PRODUCT_REFERENCE=localhost/kubestash:dev
PRODUCT_USER=65532

buildah_here() {
    local run="$RUN_ROOT/buildah"
    [[ $EUID -eq 0 ]] || run="$CACHE/buildah-run"
    buildah --root "$CACHE/buildah" --runroot "$run" --storage-driver vfs "$@" 7>&- 8>&- 9>&-
}

# REFERENCE FOLDER ARCHIVE [BUILDAH_OPTION...]: builds FOLDER/Containerfile into ARCHIVE.
build_archive() {
    local reference="$1" folder="$2" archive="$3" log
    shift 3
    ensure_packages buildah flock
    log="$CACHE/logs/image-$(basename "$archive").log"
    mkdir -p "$(dirname "$archive")" "$CACHE/logs"
    lock 7 "$CACHE/buildah.lock" "another image build is running, waiting for it"
    rm -f "$archive.partial"
    {
        # The time of an image says nothing here, and without it equal contents are equal images.
        buildah_here bud --isolation chroot --pull-never --timestamp 0 --tag "$reference" \
            --file "$folder/Containerfile" "$@" "$folder" &&
            buildah_here push "$reference" "docker-archive:$archive.partial:$reference"
    } >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "failed to build the image $reference: the whole output is in $log"
    }
    [[ $reference == "$BASE_NAME":* ]] || buildah_here rmi "$reference" >>"$log" 2>&1 || true
    mv "$archive.partial" "$archive"
    unlock 7
}

# A hash of everything in a folder that decides an image.
folder_key() {
    local hash
    hash="$(tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --directory "$1" . | sha256sum)"
    echo "${hash%% *}"
}

# The images that every cluster runs: one static program each.
component_reference() { echo "localhost/$1:$(family_version "$1")"; }

component_archive() {
    local key
    key="$(basename "$(tool_folder "$1")")"
    echo "$CACHE/images/$1-$(family_version "$1")-$key.tar"
}

ensure_component_image() {
    local archive context
    archive="$(component_archive "$1")"
    [[ ! -e $archive ]] || return 0
    note "making the image $(component_reference "$1")"
    context="$(work_folder)"
    cp "$(tool_folder "$1")/$1" "$context/"
    printf 'FROM scratch\nCOPY %s /%s\nENTRYPOINT ["/%s"]\n' "$1" "$1" "$1" >"$context/Containerfile"
    build_archive "$(component_reference "$1")" "$context" "$archive"
}

# The release of Debian or Ubuntu whose packages the base image is made of: that of this machine, so that programs
# built here find the C library they were linked with.
codename() { sed -n 's/^VERSION_CODENAME=//p' /etc/os-release; }

base_reference() { echo "$BASE_NAME:$(codename)"; }

base_archive() {
    local recipe
    recipe="$(declare -f make_base_context extract_packages | sha256sum)"
    echo "$CACHE/images/kubestash-base-$(codename)-$(uname -m)-${recipe:0:16}.tar"
}

make_base_context() {
    local root="$1/rootfs" applet
    debian_extract "$root" libc6 libgcc-s1 ca-certificates busybox
    # Character set conversion tables: nothing here converts.
    rm -rf "$root"/usr/lib/*/gconv
    # The shell and the tools that kubectl exec, kubectl cp and scripts in tests use.
    for applet in $("$root/usr/bin/busybox" --list); do
        [[ -e $root/usr/bin/$applet || -e $root/usr/sbin/$applet ]] || ln -s busybox "$root/usr/bin/$applet"
    done
    echo "kubestash:x:$PRODUCT_USER:$PRODUCT_USER:kubestash:/:/usr/sbin/nologin" >>"$root/etc/passwd"
    echo "kubestash:x:$PRODUCT_USER:" >>"$root/etc/group"
    printf 'FROM scratch\nCOPY rootfs /\nENV PATH=/usr/bin:/usr/sbin\nCMD ["/bin/sh"]\n' >"$1/Containerfile"
}

# Makes the base image when its archive is missing, or when buildah's store has lost it.
ensure_base_image() {
    local archive context
    archive="$(base_archive)"
    if [[ ! -e $archive ]]; then
        note "making the base image $(base_reference) from Debian packages"
        context="$(work_folder)"
        make_base_context "$context"
        build_archive "$(base_reference)" "$context" "$archive"
        fi
}

# Puts the base image of the archive into buildah's store, for images that are built upon it.
store_base_image() {
    ensure_base_image
    ensure_packages buildah flock
    lock 7 "$CACHE/buildah.lock" "another image build is running, waiting for it"
    if [[ "$(cat "$CACHE/buildah/base" 2>/dev/null)" != "$(base_archive)" ]] ||
        ! buildah_here inspect --type image "$(base_reference)" >/dev/null 2>&1; then
        quietly "$CACHE/logs/base-image.log" buildah_here pull "docker-archive:$(base_archive)"
        base_archive >"$CACHE/buildah/base"
    fi
    unlock 7
}

verb_base_image() {
    ensure_base_image
    base_archive
}

verb_image() {
    (($# >= 2)) || die "usage: cluster image NAME:TAG FOLDER [BUILDAH_OPTION...]"
    local reference="$1" folder="$2" archive key
    shift 2
    [[ -e $folder/Containerfile ]] || die "there is no Containerfile in \"$folder\""
    [[ $reference == */* ]] || reference="localhost/$reference"
    key="$(folder_key "$folder") $*"
    if grep -q BASE_IMAGE "$folder/Containerfile"; then
        key+=" $(base_archive)"
        store_base_image
    fi
    key="$(sha256sum <<<"$key")"
    archive="$CACHE/images/$(tr '/:' '__' <<<"$reference")-${key:0:16}.tar"
    if [[ ! -e $archive ]]; then
        note "making the image $reference"
        build_archive "$reference" "$folder" "$archive" --build-arg "BASE_IMAGE=$(base_reference)" "$@"
    fi
    echo "$archive"
}

verb_product_image() {
    (($# == 2)) || die "usage: cluster product-image BINARY OUT.tar"
    local binary="$1" out="$2" context
    [[ -x $binary ]] || die "there is no program \"$binary\""
    store_base_image
    context="$(work_folder)"
    cp "$binary" "$context/kubestash"
    cp "$HERE/../../reconciler/Containerfile" "$context/Containerfile"
    build_archive "$PRODUCT_REFERENCE" "$context" "$out" --build-arg "BASE_IMAGE=$(base_reference)"
    note "wrote $out ($(du -h "$out" | cut -f1), $PRODUCT_REFERENCE)"
}

verb_load() {
    (($# >= 1)) || die "usage: cluster load [--name NAME] IMAGE.tar..."
    need_root load
    need_cluster
    local archive
    for archive in "$@"; do
        [[ -e $archive ]] || die "there is no archive \"$archive\""
        import_image "$archive" || die "failed to import \"$archive\" into cluster \"$NAME\""
    done
}

import_image() {
    local snapshotter=overlayfs
    ! grep -q 'snapshotter = "native"' "$STATE/containerd.toml" || snapshotter=native
    ctr_here images import --snapshotter "$snapshotter" "$1" >>"$STATE/logs/images.log" 2>&1
}
