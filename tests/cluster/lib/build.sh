# shellcheck shell=bash
# The pinned tools, each family built once from its own committed go.mod and go.sum.
#
# A build goes to CACHE/tools/FAMILY/KEY, where KEY is a hash over what decides the result, so that two checkouts with
# different pins share one cache. The file `stamp` in it is written last: a folder without it is not a build.

# Raise it when go_build changes in a way that changes what it makes.
BUILD_RECIPE=1

# In the order of need: what a cluster boots with first.
CLUSTER_FAMILIES=(etcd kubernetes pause versitygw coredns restic)
ALL_FAMILIES=("${CLUSTER_FAMILIES[@]}" restic-old kubectl krew)

verb_build() {
    local family families=("$@")
    ((${#families[@]})) || families=("${CLUSTER_FAMILIES[@]}")
    for family in "${families[@]}"; do
        [[ " ${ALL_FAMILIES[*]} " == *" $family "* ]] ||
            die "unknown family \"$family\"; there are: ${ALL_FAMILIES[*]}"
    done
    for family in "${families[@]}"; do build_family "$family"; done
    if (($# == 0)) && ! command -v kubectl >/dev/null; then build_family kubectl; fi
}

verb_tool() {
    local family
    (($# == 1)) || die "usage: cluster tool NAME"
    case "$1" in
    restic | restic-old | etcd | versitygw | coredns) family="$1" ;;
    krew | validate-krew-manifest) family=krew ;;
    kubectl) family=kubectl ;;
    kube*) family=kubernetes ;;
    *) die "unknown tool \"$1\"" ;;
    esac
    build_family "$family"
    echo "$(tool_folder "$family")/$1"
}

# The folder that holds the go.mod of a family: kubectl is built from that of kubernetes.
family_source() {
    case "$1" in
    kubectl) echo "$HERE/tools/kubernetes" ;;
    *) echo "$HERE/tools/$1" ;;
    esac
}

# The module whose version is the version of the family.
family_module() {
    case "$1" in
    kubernetes | kubectl) echo k8s.io/kubernetes ;;
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    versitygw) echo github.com/versity/versitygw ;;
    restic | restic-old) echo github.com/restic/restic ;;
    coredns) echo github.com/coredns/coredns ;;
    krew) echo sigs.k8s.io/krew ;;
    esac
}

# Without the leading "v". Our own pause has the version 1.
family_version() {
    [[ $1 != pause ]] || { echo 1 && return; }
    awk -v module="$(family_module "$1")" '{
        for (field = 1; field < NF; field++)
            if ($field == module && $(field + 1) ~ /^v[0-9]/) { print substr($(field + 1), 2); exit }
    }' "$(family_source "$1")/go.mod"
}

family_duration() {
    case "$1" in
    kubernetes) echo "about 4 minutes on 4 cores" ;;
    coredns) echo "about 2 minutes" ;;
    *) echo "less than a minute" ;;
    esac
}

# CACHE/tools/FAMILY/KEY: the pins, our own source and the number of the recipe decide.
tool_folder() {
    local source key
    source="$(family_source "$1")"
    key="$({
        echo "$BUILD_RECIPE"
        find "$source" -type f -print0 | sort -z | xargs -0 cat
    } | sha256sum)"
    echo "$CACHE/tools/$1/$(uname -m)-${key:0:16}"
}

build_family() {
    local family="$1" folder source began=$SECONDS
    folder="$(tool_folder "$family")"
    if [[ -e $folder/stamp ]]; then
        touch "$folder/stamp"
        return
    fi
    command -v go >/dev/null || die "Go 1.26 or newer is needed to build $family: https://go.dev/dl"
    lock 7 "$CACHE/tools/$family.lock" "another build of $family is running, waiting for it"
    if [[ ! -e $folder/stamp ]]; then
        source="$(family_source "$family")"
        rm -rf "$folder" "$folder".partial
        mkdir -p "$folder".partial
        note "building $family $(family_version "$family") ($(family_duration "$family") the first time)"
        patiently "building $family" "$CACHE/logs/build-$family.log" go_build "$family" "$source" "$folder".partial
        (cd "$source" && sha256sum -- *) >"$folder".partial/stamp
        mv "$folder".partial "$folder"
        # Builds of pins that no checkout has asked for in a month.
        find "$CACHE/tools/$family" -mindepth 2 -maxdepth 2 -name stamp -mtime +30 -printf '%h\0' | xargs -0 -r rm -rf
        note "built $family $(family_version "$family") in $((SECONDS - began)) s"
    fi
    unlock 7
}

go_build() {
    local family="$1" out="$3" version
    cd "$2" || return
    export GOWORK=off CGO_ENABLED=0 GOFLAGS="${GOFLAGS:-} -mod=readonly"
    version="$(family_version kubernetes)"
    local plain=(go build -trimpath -buildvcs=false)
    local stamped="-s -w"
    local variable="k8s.io/component-base/version"
    stamped+=" -X $variable.gitVersion=v$version -X $variable.gitMajor=${version%%.*}"
    stamped+=" -X $variable.gitMinor=$(cut -d. -f2 <<<"$version") -X $variable.gitTreeState=clean"
    case "$family" in
    kubernetes)
        "${plain[@]}" -ldflags "$stamped" -o "$out/" k8s.io/kubernetes/cmd/kube-{apiserver,controller-manager,scheduler,proxy} \
            k8s.io/kubernetes/cmd/kubelet
        ;;
    kubectl) "${plain[@]}" -ldflags "$stamped" -o "$out/" k8s.io/kubernetes/cmd/kubectl ;;
    etcd) "${plain[@]}" -ldflags "-s -w" -o "$out/etcd" go.etcd.io/etcd/server/v3 ;;
    pause) "${plain[@]}" -ldflags "-s -w" -o "$out/pause" . ;;
    restic-old) "${plain[@]}" -ldflags "-s -w" -o "$out/restic-old" github.com/restic/restic/cmd/restic ;;
    *) "${plain[@]}" -ldflags "-s -w" -o "$out/" tool ;;
    esac
}
