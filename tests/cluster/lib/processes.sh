# shellcheck shell=bash
# What was started is known by process id and start time, so that a reused id is never mistaken for it.

# Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets, so count from behind it.
start_time() {
    local stat
    { stat="$(<"/proc/$1/stat")"; } 2>/dev/null || return 1
    stat="${stat##*) }"
    # shellcheck disable=SC2086 # the fields are wanted apart
    set -- $stat
    [[ $1 != Z ]] || return 1
    echo "${20}"
}

# Starts a long-running program of the cluster inside its network namespace and cgroup.
start() {
    local name="$1"
    shift
    mkdir -p "$STATE/pids" "$STATE/logs"
    (
        enter_cgroup
        exec setsid nsenter --net="/run/netns/$NETNS" -- "$@"
    ) </dev/null >>"$STATE/logs/$name.log" 2>&1 7>&- 8>&- 9>&- &
    local pid=$!
    disown "$pid"
    echo "$pid $(start_time "$pid")" >"$STATE/pids/$name"
}

# Is the program recorded in FILE still that program?
recorded_alive() {
    local pid started
    read -r pid started <"$1" || return 1
    [[ -n $started && "$(start_time "$pid")" == "$started" ]]
}

# Names of recorded programs that are gone.
dead_programs() {
    local file
    for file in "$STATE"/pids/*; do
        [[ -e $file ]] || continue
        recorded_alive "$file" || echo "${file##*/}"
    done
}

stop_recorded() {
    local file pid
    for file in "$STATE"/pids/*; do
        [[ -e $file ]] || continue
        if recorded_alive "$file"; then
            read -r pid _ <"$file"
            kill -KILL "$pid" 2>/dev/null || true
        fi
        rm -f "$file"
    done
}
