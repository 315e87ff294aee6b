# shellcheck shell=bash
# One cluster: its name, its folder, and the slot that gives it addresses nobody else uses.
#
# Addresses come from 198.18.0.0/15, the block set aside for testing devices (RFC 2544), which no network routes. It is
# cut into sixteen slots of a /19 each: services in the first /20, pods in the next /21, the link to the host in a /24.
# Slots belong to the machine, not to the cache, so that two caches cannot collide: RUN_ROOT/slots/N names the folder of
# the cluster that holds slot N, and namespace, link and cgroup are called after the slot.

SLOTS=16

parse_name() {
    NAME="${KUBESTASH_CLUSTER:-test}"
    REMAINING=()
    while (($#)); do
        case "$1" in
        --name)
            [[ -n ${2:-} ]] || die "--name needs a name"
            NAME="$2"
            shift 2
            ;;
        --name=*)
            NAME="${1#--name=}"
            shift
            ;;
        --)
            shift
            break
            ;;
        *)
            REMAINING+=("$1")
            shift
            ;;
        esac
    done
    REMAINING+=("$@")
    [[ $NAME =~ ^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$ ]] ||
        die "a cluster name is at most 40 lower-case letters, digits and dashes, not \"$NAME\""
    STATE="$CACHE/clusters/$NAME"
}

# A name that another checkout on this machine does not use.
verb_name() {
    (($# == 1)) || die "usage: cluster name PREFIX"
    local hash
    hash="$(printf '%s' "$HERE" | sha256sum)"
    echo "$1-${hash:0:6}"
}

verb_list() {
    local folder
    for folder in "$CACHE"/clusters/*/; do
        [[ ! -d $folder ]] || basename "$folder"
    done
}

# Sets every address and name that follows from SLOT.
use_slot() {
    SLOT="$1"
    local second=$((18 + SLOT / 8)) third=$((SLOT % 8 * 32))
    local first="198.$second"
    SLOT_RANGE="$first.$third.0/19"
    SERVICE_RANGE="$first.$third.0/20"
    API_SERVICE_IP="$first.$third.1"
    DNS_SERVICE_IP="$first.$third.10"
    S3_SERVICE_IP="$first.$third.70"
    POD_RANGE="$first.$((third + 16)).0/21"
    HOST_IP="$first.$((third + 24)).1"
    NODE_IP="$first.$((third + 24)).2"
    NETNS="kubestash-$SLOT"
    LINK="kubestash$SLOT"
    CGROUP="kubestash-$SLOT"
    RUN="$RUN_ROOT/$SLOT"
    CONTAINERD_SOCKET="$RUN/containerd.sock"
}

# The slot that this cluster holds, if any.
held_slot() {
    [[ -r $STATE/slot ]] || return 1
    local slot
    slot="$(<"$STATE/slot")"
    [[ -r $RUN_ROOT/slots/$slot && "$(<"$RUN_ROOT/slots/$slot")" == "$STATE" ]] || return 1
    echo "$slot"
}

# For the verbs that ask something of a cluster that was booted.
need_cluster() {
    local slot
    slot="$(held_slot)" || die "there is no cluster \"$NAME\"; \"cluster up --name $NAME\" boots it"
    use_slot "$slot"
}

# Takes a free slot for this cluster. A slot whose cluster's folder is gone is cleaned and taken over.
claim_slot() {
    local slot owner
    mkdir -p "$RUN_ROOT/slots"
    lock 9 "$RUN_ROOT/slots.lock" "another cluster is choosing its addresses, waiting"
    for ((slot = 0; slot < SLOTS; slot++)); do
        if [[ -e $RUN_ROOT/slots/$slot ]]; then
            owner="$(<"$RUN_ROOT/slots/$slot")"
            [[ ! -e $owner/slot || $owner == "$STATE" ]] || continue
            use_slot "$slot"
            release_machine "$owner"
        fi
        use_slot "$slot"
        if [[ -e /run/netns/$NETNS || -n "$(ip -4 route show root "$SLOT_RANGE")" ]]; then continue; fi
        mkdir -p "$STATE" "$RUN"
        echo "$slot" >"$STATE/slot"
        echo "$STATE" >"$RUN_ROOT/slots/$slot"
        unlock 9
        return
    done
    die "all $SLOTS cluster slots of this machine are taken: \"cluster list\", \"cluster down --name NAME\""
}
