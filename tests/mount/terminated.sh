#!/usr/bin/env bash
# SIGTERM waits for nobody: requests that wait for a service which does not answer are interrupted.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

now_ms() {
    date +%s%3N
}
is_gone() {
    ! kill -0 "$1" 2>/dev/null
}
start_otslocal "$work/data" --admin
mkdir "$work/mnt"
lib_mounts+=("$work/mnt")
"$otsfs" "local:$work/data" "$work/mnt" -f -o "state_dir=$work/states/mnt" >"$work/mnt.log" 2>&1 &
pid=$!
lib_pids+=("$pid")
wait_until is_mounted "$work/mnt"
plain_table "$work/plain" 3 10
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt"

# More than there are workers, so that some have not begun.
set_faults '{"rules": [{"action": "GetTimeseriesData", "delay_ms": 600000}]}'
readers=()
for _ in $(seq 24); do
    cat "$work"/mnt/t/cpu/*.lp >"$work/got" 2>"$work/errors" &
    readers+=($!)
done
wait_for_hit() {
    [ "$(hits 0)" -ge 10 ]
}
wait_until wait_for_hit
start=$(now_ms)
kill "$pid"
wait_until is_gone "$pid"
elapsed=$(($(now_ms) - start))
[ "$elapsed" -lt 10000 ] || fail "it took $elapsed ms"
wait_until is_unmounted "$work/mnt"
for reader in "${readers[@]}"; do
    if wait "$reader"; then
        fail 'a reader had its file'
    fi
done
