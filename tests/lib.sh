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

lib_shell=$BASHPID
lib_mounts=()
lib_pids=()
lib_frozen=()
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

# freeze PID: it answers nobody until thaw PID, or the end of the test.
freeze() {
    lib_frozen+=("$1")
    kill -STOP "$1"
}
thaw() {
    kill -CONT "$1"
}
# waits_for_mount PID: it waits for a mount's answer; the test fails when it has ended.
waits_for_mount() {
    kill -0 "$1" 2>/dev/null || fail "process $1 did not wait"
    grep -q -E 'fuse|request_wait_answer' "/proc/$1/wchan"
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

# ---- the service's side of a test: with start_otslocal DIR --admin, told by its DIR -----------------

# admin_of DIR COMMAND...: a helper above, as set_faults or counters, of that server.
admin_of() {
    local otslocal_log=$1.log
    shift
    "$@"
}

# requests DIR WHAT: how many there were since the start or the last reset_faults. WHAT is an action
# (its calls), ACTION.NAME (NAME as for counter), rows_read (of Get and Scan), or rows_put.
requests() {
    admin_of "$1" counters >"$work/counters.now"
    lib_counted /dev/null "$work/counters.now" "$2"
}
# count_from DIR: from here on counted_since DIR WHAT tells what came on top.
count_from() {
    admin_of "$1" counters >"$1.counters"
}
counted_since() {
    admin_of "$1" counters >"$work/counters.now"
    lib_counted "$1.counters" "$work/counters.now" "$2"
}
# expect_counted DIR MOST WHAT...: of each at most MOST since count_from DIR.
expect_counted() {
    local dir=$1 most=$2 what count
    shift 2
    for what; do
        count=$(counted_since "$dir" "$what")
        [ "$count" -le "$most" ] || fail "$what: $count since count_from, wanted at most $most"
    done
}
lib_counted() {
    python3 - "$@" <<'SCRIPT'
import json
import sys

sums = {"rows_read": ["GetTimeseriesData.rows_out", "ScanTimeseriesData.rows_out"],
        "rows_put": ["PutTimeseriesData.rows_in"]}


def count(path, what):
    text = open(path, encoding="utf-8").read()
    name, _, counter = what.partition(".")
    action = json.loads(text)["actions"].get(name, {}) if text else {}
    return action.get(counter or "calls", action.get("errors", {}).get(counter, 0))


def total(path):
    return sum(count(path, what) for what in sums.get(sys.argv[3], [sys.argv[3]]))


print(total(sys.argv[2]) - total(sys.argv[1]))
SCRIPT
}

# Streams. split_shard DIR TABLE: the first open shard. merge_shards DIR TABLE: the first two open
# ones that a split made. trim_stream DIR TABLE [SECONDS]: remove what is older, by default all.
split_shard() {
    lib_change_stream "$1" "$(lib_streams "$1" "$2" | jq -n 'input as $t | {table: $t.name,
        split: [$t.shards[] | select(.is_open)][0].id}')"
}
merge_shards() {
    lib_change_stream "$1" "$(lib_streams "$1" "$2" | jq -n 'input as $t | {table: $t.name,
        merge: [[$t.shards[] | select(.is_open and .parent and (.sibling | not))] | group_by(.parent)[]
                | select(length == 2) | map(.id)][0]}')"
}
trim_stream() {
    lib_change_stream "$1" "{\"table\": \"$2\", \"trim_older_than_s\": ${3:-0}}"
}
lib_streams() {
    admin_of "$1" admin_call streams | jq --arg table "$2" '.[$table] + {name: $table}'
}
lib_change_stream() {
    admin_of "$1" admin_call streams --data-binary "$2" >/dev/null
}

# delete_table DIR TABLE: with its rows, as an SDK does it.
delete_table() {
    "$top/tests/delete_table.py" "$@" || fail "the table $2 could not be deleted"
}

# ---- mounts, beside each other and killed -----------------------------------------------------------

# mount_other SOURCE [OPTION...]: somebody else's mount of the source, with a state of its own, at
# $other. other_writes FILE <ROWS: append them there to FILE, and wait until they are stored.
mount_other() {
    local source=$1
    shift
    other=$work/other
    mount_otsfs "$source" "$other" "$@"
}
other_writes() {
    mkdir -p "$(dirname "$other/$1")" || fail "mkdir for $1"
    cat >>"$other/$1" || fail "writing $1"
    sync "$other/$1" || fail "sync of $1"
}

# kill_otsfs MOUNTPOINT: kill -9 what must be running, and unmount what is left.
kill_otsfs() {
    kill -KILL "$(processes_of "$otsfs" "$1")"
    wait_until no_process_of "$otsfs" "$1"
    fusermount3 -uz -- "$1" 2>/dev/null || true
    wait_until is_unmounted "$1"
}

# mtime FILE: seconds with nanoseconds; now: the same of this moment. changed_between FILE FROM TO: its
# mtime lies there, or a tenth of a second beside.
mtime() {
    stat -c %.9Y -- "$1"
}
now() {
    date +%s.%N
}
changed_between() {
    awk -v got="$(mtime "$1")" -v from="$2" -v to="$3" 'BEGIN { exit !(from - 0.1 <= got && got <= to + 0.1) }' ||
        fail "$1: changed at $(mtime "$1"), wanted $2 to $3"
}

# wait_for_polls MOUNTPOINT [TABLE]: until that mount has read on in the table's stream, by default that of t,
# to the end of what was there at the call.
wait_for_polls() {
    lib_polls_wanted=$(($(otsfs_counter "$1" otsfs_stream_polls_total "${2:-t}") + 2))
    wait_until lib_has_polled "$1" "${2:-t}"
}
lib_has_polled() {
    [ "$(otsfs_counter "$1" otsfs_stream_polls_total "$2")" -ge "$lib_polls_wanted" ]
}

# agree_with_fresh SOURCE TABLE MOUNTPOINT...: each lists, soon, what a mount without any state lists, and
# told the sizes that reading gives. What is there stays in $work/fresh.list.
agree_with_fresh() {
    local source=$1 table=$2 mountpoint
    shift 2
    fresh_listing "$source" "$table" >"$work/fresh.list"
    for mountpoint; do
        lib_wait_s=20 wait_for_output "$(cat "$work/fresh.list")" listing "$mountpoint/$table"
        sizes_are_exact "$mountpoint/$table" || fail "sizes in $mountpoint/$table"
    done
}

# otsfs_counter MOUNTPOINT NAME [TABLE]: the sum of the metric's samples, of a table or of all.
otsfs_counter() {
    awk -v name="$2" -v label="table=\"${3-}\"" -v all="${3+no}" '
        substr($0, 1, length(name) + 1) == name "{" && (!all || index($0, label)) { sum += $NF }
        END { printf "%d\n", sum }' "$1/.otsfs/metrics"
}

# wait_for_output WANTED COMMAND...: until that is what it prints; it may fail meanwhile.
wait_for_output() {
    wait_until lib_prints "$@"
}
lib_prints() {
    local wanted=$1
    shift
    [ "$("$@" 2>/dev/null)" = "$wanted" ]
}

# sizes_are_exact DIR: every file below has the size that was told before, when it is read; says
# which have not. Fails without any file.
sizes_are_exact() {
    python3 - "$1" <<'SCRIPT'
import os
import sys

paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(sys.argv[1]) for name in names)
told = [os.stat(path).st_size for path in paths]
bad = not paths
for path, size in zip(paths, told):
    with open(path, "rb") as file:
        read = len(file.read())
    if read != size:
        print(f"{path}: size {size}, read {read}", file=sys.stderr)
        bad = True
sys.exit(bad)
SCRIPT
}

# listing DIR: names, sizes and digests of all files below.
listing() {
    (
        cd "$1"
        find . -type f -printf '%P %s\n' | sort
        find . -type f -print0 | sort -z | xargs -0 -r sha256sum
    )
}
# fresh_listing SOURCE TABLE: what listing says of the table in a new mount that knows nothing.
fresh_listing() {
    local name
    name=fresh.$(find "$work" -maxdepth 1 -name 'fresh.*.log' | wc -l)
    mount_otsfs "$1" "$work/$name"
    listing "$work/$name/$2"
    unmount_otsfs "$work/$name"
    rm -rf "$work/states/$name"
}

lib_cleanup() {
    local status=$? mountpoint log
    trap - EXIT
    # A child that is killed before it has become another program still has our traps.
    [ "$BASHPID" = "$lib_shell" ] || exit "$status"
    trap '' INT TERM HUP
    set +e
    cd /
    [ ${#lib_frozen[@]} = 0 ] || kill -CONT "${lib_frozen[@]}" 2>/dev/null
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
