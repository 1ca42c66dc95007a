# Helpers for the tests that start programs and mount; sourced with
#     # shellcheck source=tests/lib.sh
#     . "$(dirname "$0")/../lib.sh"
#
# Gives the test a folder of its own, $work, and ends whatever it started when it ends, is
# interrupted or fails. Tests run side by side: nothing has a fixed name or port.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${OTS_BUILD:-$top/build/release}
# Short: a Unix socket's path holds at most 107 bytes.
work=$(mktemp -d "${TMPDIR:-/tmp}/ots.XXXXXX")
otsfs=$build/otsfs
otslocal=$build/otslocal
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config XDG_RUNTIME_DIR=$work/run
mkdir -p "$work/state" "$work/states" "$work/config" "$work/run"
chmod 700 "$work/run"
unset TABLESTORE_ACCESS_KEY_ID TABLESTORE_ACCESS_KEY_SECRET TABLESTORE_SESSION_TOKEN

lib_mounts=()
lib_pids=()
lib_wait_s=60

fail() {
    echo "FAIL: $* (line ${BASH_LINENO[-2]})" >&2
    exit 1
}

# wait_until COMMAND...: try it until it succeeds; the test fails after lib_wait_s seconds.
wait_until() {
    local end=$((SECONDS + lib_wait_s))
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "waited $lib_wait_s s for: $*"
        sleep 0.02
    done
}

# expect_equal GOT WANTED WHAT
expect_equal() {
    [ "$1" = "$2" ] || fail "$3: got '$1', wanted '$2'"
}

# expect_same FILE FILE: equal bytes. Shows the difference.
expect_same() {
    cmp -s -- "$1" "$2" || {
        diff -u -- "$1" "$2" | head -n 20 >&2 || true
        fail "$1 and $2 differ"
    }
}

# expect_failure MESSAGE COMMAND...: it fails and says MESSAGE (a fixed text), as in
#     expect_failure 'Invalid argument' cp bad.lp "$mnt/t/cpu/"
expect_failure() {
    local message=$1
    shift
    if "$@" >"$work/failure" 2>&1; then
        fail "succeeded: $*"
    fi
    grep -qF -- "$message" "$work/failure" || fail "$*: no '$message' but: $(cat "$work/failure")"
}

# start_otslocal DIR [OPTION...]: serve on a free loopback port and wait for the ready line.
# Sets otslocal_pid and otslocal_log; what it printed, the way to connect too, is in that file.
start_otslocal() {
    local dir=$1
    shift
    otslocal_log=$dir.log
    # The line of the server before must not pass for that of this one.
    rm -f "$otslocal_log" && : >"$otslocal_log"
    "$otslocal" "$dir" --listen 127.0.0.1:0 "$@" >"$otslocal_log" 2>&1 &
    otslocal_pid=$!
    lib_pids+=("$otslocal_pid")
    wait_until otslocal_is_ready
}
otslocal_is_ready() {
    kill -0 "$otslocal_pid" 2>/dev/null || fail "otslocal ended: $(cat "$otslocal_log")"
    grep -qi ready "$otslocal_log"
}

# With start_otslocal DIR --admin: set_faults JSON; counters; counter ACTION NAME, where NAME is
# calls, rows_in, ... or a code of an error; hits RULE (from 0); reset_faults.
admin_call() {
    local path=$1
    shift
    curl -sS --fail-with-body --unix-socket "${otslocal_log%.log}/otslocal.sock" \
        "http://localhost/otslocal/$path" "$@" || fail "admin call $path"
}
set_faults() {
    admin_call faults --data-binary "$1" >/dev/null
}
reset_faults() {
    admin_call reset -X POST >/dev/null
}
counters() {
    admin_call counters
}
counter() {
    counters | python3 -c 'import json, sys
action = json.load(sys.stdin)["actions"].get(sys.argv[1], {})
print(action.get(sys.argv[2], action.get("errors", {}).get(sys.argv[2], 0)))' "$@"
}
hits() {
    admin_call faults | python3 -c 'import json, sys
print(json.load(sys.stdin)["rules"][int(sys.argv[1])]["hits"])' "$1"
}

# stop PID: TERM it and wait for its end; gives its exit status.
stop() {
    local status=0
    kill "$1" 2>/dev/null || true
    wait "$1" || status=$?
    return "$status"
}

is_mounted() {
    grep -qF " $1 fuse.otsfs " /proc/self/mounts
}
is_unmounted() {
    ! is_mounted "$1"
}

# mount_otsfs SOURCE MOUNTPOINT [OPTION...]: make the directory, mount, check that it is there.
# Each mount point has a state directory of its own: a source has one mount for each of these.
mount_otsfs() {
    local source=$1 mountpoint=$2 name=${2#"$work"/}
    shift 2
    set -- -o "state_dir=$work/states/${name//\//_}" "$@"
    mkdir -p "$mountpoint"
    lib_mounts+=("$mountpoint")
    # A daemon must not hold on to what our caller reads: keep its output in a file.
    timeout "$lib_wait_s" "$otsfs" "$source" "$mountpoint" "$@" </dev/null >"$mountpoint.log" 2>&1 ||
        fail "otsfs $source $mountpoint: $(cat "$mountpoint.log")"
    is_mounted "$mountpoint" || fail "$mountpoint is not mounted: $(cat "$mountpoint.log")"
}

# lines SERIES COUNT [FIRST]: rows of one timeline, a second apart, spelled as a mount spells them.
lines() {
    awk -v series="$1" -v first="${3:-0}" -v count="$2" 'BEGIN {
        for (i = first; i < first + count; i++)
            printf "%s busy=%d.25,count=%di,state=\"ok %d\" %d000000000\n",
                series, i % 100, i * 7, i % 10, 1700000000 + i
    }'
}

# plain_table DIR TIMELINES ROWS: a table's directory on an ordinary file system.
plain_table() {
    local i
    mkdir -p "$1/cpu" "$1/mem"
    for ((i = 0; i < $2; i++)); do
        lines "cpu,_data_source=web-$i,az=b" "$3" >"$1/cpu/_data_source=web-$i,az=b.lp"
        lines "mem,host=h$i" "$3" >"$1/mem/host=h$i.lp"
    done
}

# processes_of PROGRAM TEXT: pids of processes that run PROGRAM with an argument that holds TEXT.
processes_of() {
    local folder
    for folder in /proc/[0-9]*; do
        if [ "$(readlink "$folder/exe" 2>/dev/null)" = "$1" ] &&
            grep -qaF -- "$2" "$folder/cmdline" 2>/dev/null; then
            basename "$folder"
        fi
    done
}
no_process_of() {
    [ -z "$(processes_of "$@")" ]
}

# unmount_otsfs MOUNTPOINT: unmount, and wait until its daemon has drained and ended.
unmount_otsfs() {
    fusermount3 -u -- "$1" || fail "fusermount3 -u $1"
    wait_until is_unmounted "$1"
    wait_until no_process_of "$otsfs" "$1"
}

lib_cleanup() {
    local status=$? mountpoint log
    trap - EXIT
    trap '' INT TERM HUP
    set +e
    cd /
    for mountpoint in "${lib_mounts[@]}"; do
        is_mounted "$mountpoint" && { fusermount3 -u -- "$mountpoint" || fusermount3 -uz -- "$mountpoint"; }
    done
    [ ${#lib_pids[@]} = 0 ] || kill "${lib_pids[@]}" 2>/dev/null
    lib_end_daemons
    if [ "$status" != 0 ] && [ "$status" != 77 ]; then
        for log in "$work"/*.log; do
            [ ! -s "$log" ] || { echo "--- $log" && tail -n 40 "$log"; } >&2
        done
    fi
    rm -rf --one-file-system "$work"
    exit "$status"
}

# Let the mounts' daemons drain, then end the instances that they started; at last by force.
lib_end_daemons() {
    local pids
    for _ in $(seq 200); do
        if no_process_of "$otsfs" "$work/"; then
            pids=$(processes_of "$otslocal" "$work/")
            [ -n "$pids" ] || return
            xargs kill 2>/dev/null <<<"$pids"
        fi
        sleep 0.05
    done
    { processes_of "$otsfs" "$work/" && processes_of "$otslocal" "$work/"; } | xargs -r kill -KILL
}

trap lib_cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
