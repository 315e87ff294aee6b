# shellcheck shell=bash
# What every part uses: the cache folder, messages, locks, templates.

CACHE="${KUBESTASH_CACHE:-${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache/kubestash}"
# Short-lived files that must be short-named (sockets) or vanish with a reboot (which slot is whose).
RUN_ROOT=/run/kubestash-cluster

STARTED_AT=$SECONDS

note() { printf '[%4ds] %s\n' "$((SECONDS - STARTED_AT))" "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Makes a folder that goes when the program ends, however it ends.
work_folder() {
    mkdir -p "$CACHE/work/$$"
    mktemp -d "$CACHE/work/$$/XXXXXX"
}
trap 'rm -rf "$CACHE/work/$$"' EXIT

need_root() {
    [[ $EUID -eq 0 ]] || die "\"cluster $1\" makes network namespaces, cgroups and mounts: run it as root (sudo)"
}

# Runs "$@" with its output kept in LOG; on failure shows the end of it.
quietly() {
    local log="$1"
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die "failed to run \"$1\": the whole output is in $log"
    fi
}

# Like quietly, and says every 15 seconds that it is still at it.
patiently() {
    try_patiently "$@" || {
        tail -n 30 "$2" >&2
        die "failed while $1: the whole output is in $2"
    }
}

# Leaves it to the caller what a failure means.
try_patiently() {
    local what="$1" log="$2" began=$SECONDS told=0 child
    shift 2
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - began - told >= 15)); then
            told=$((SECONDS - began))
            note "  still $what (${told} s so far)"
        fi
    done
    wait "$child"
}

# Asks "$@" every tenth of a second until it succeeds; gives up after ALLOWED seconds.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# Holds the lock FILE on descriptor DESCRIPTOR until the descriptor is closed or the program ends.
# Descriptors 7, 8 and 9 are the locks; whatever is left running must be started with them closed.
lock() {
    local descriptor="$1" file="$2" message="$3"
    mkdir -p "$(dirname "$file")"
    eval "exec $descriptor>>\"\$file\""
    if ! flock --nonblock "$descriptor"; then
        note "$message"
        flock "$descriptor"
    fi
}

unlock() { eval "exec $1>&-"; }

# Writes templates/TEMPLATE to FILE with each @NAME@ replaced by the value of the variable NAME.
render() {
    local text variable
    text="$(<"$HERE/templates/$1")"
    while [[ $text =~ @([A-Z][A-Z0-9_]*)@ ]]; do
        variable="${BASH_REMATCH[1]}"
        [[ -v $variable ]] || die "template $1 asks for $variable, which nobody has set"
        text="${text//"@$variable@"/${!variable}}"
    done
    printf '%s\n' "$text" >"$2"
}
