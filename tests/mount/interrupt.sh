#!/usr/bin/env bash
# Ctrl-C ends whoever waits for a service that does not answer, and nobody else.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 3 10
mount_otsfs "local:$work/data" "$work/mnt" -o timeout=10
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
mkdir "$work/mnt/t/new"
file=$work/mnt/t/mem/host=h1.lp
lines 'mem,host=h1' 100 50 >"$work/more.lp"
lines 'mem,host=h2' 10000 50 >"$work/much.lp"
exec 8>>"$file" 9>>"$work/mnt/t/mem/host=h2.lp"
server=$(processes_of "$otslocal" "$work/data")
freeze "$server"

# expect_end_by SIGNAL COMMAND...
expect_end_by() {
    local signal=$1 began
    shift
    setsid env --default-signal=INT "$@" >/dev/null 2>&1 &
    local pid=$!
    lib_pids+=("$pid")
    wait_until waits_for_mount "$pid"
    began=$(date +%s%N)
    kill "-$signal" "$pid"
    wait "$pid" && fail "succeeded: $*"
    [ $(($(date +%s%N) - began)) -lt 1000000000 ] || fail "did not end at once: $*"
}

sleep 1.1 # what is known has grown old
expect_end_by INT cat "$file"
expect_end_by INT ls -l "$work/mnt/t/mem"
expect_end_by TERM stat "$file"
expect_end_by INT find "$work/mnt" -name '*.lp'
expect_end_by INT mkdir "$work/mnt/u"
expect_end_by KILL grep -r 'ok 3' "$work/mnt/t"

# Who has a file open may write to it until there is too much; only its fsync waits.
to_fd() { # to_fd FD FILE [OPTION]
    exec dd if="$2" bs=64K "${@:3}" >&"$1"
}
export -f to_fd
expect_end_by INT bash -c 'to_fd "$@"' bash 8 "$work/more.lp" conv=fsync
expect_end_by INT sync "$work/mnt/t"
expect_end_by INT bash -c 'to_fd "$@"' bash 9 "$work/much.lp"
exec 8>&- 9>&-

# More than there are workers for. The last of them is first to go.
pids=()
for _ in $(seq 40); do
    setsid env --default-signal=INT cat "$file" >/dev/null 2>&1 &
    pids+=($!)
    lib_pids+=($!)
done
for pid in "${pids[@]}"; do
    wait_until waits_for_mount "$pid"
done
began=$(date +%s%N)
for ((i = 39; i >= 0; i -= 13)); do
    kill -INT "${pids[i]}"
    wait "${pids[i]}" && fail 'a reader succeeded'
done
kill -INT "${pids[@]}" 2>/dev/null || true
wait "${pids[@]}" && fail 'a reader succeeded'
[ $(($(date +%s%N) - began)) -lt 2000000000 ] || fail 'many readers did not end at once'

thaw "$server"
sync "$work/mnt/t"
expect_equal "$(head -n 3 "$file")" "$(head -n 3 "$work/plain/mem/host=h1.lp")" 'rows'
expect_equal "$(wc -l <"$file")" 110 'rows after the interrupted sync'
