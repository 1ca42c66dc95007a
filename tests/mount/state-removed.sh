#!/usr/bin/env bash
# The state directory goes while a mount uses it: what can be written anew is, else closing a file fails
# and .otsfs/status and the log say so. Never is that silent.
# SEMANTICS 3.1, 6.4.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# In the background the log is syslog's.
mount_in_foreground() {
    mkdir -p "$work/mnt"
    lib_mounts+=("$work/mnt")
    "$otsfs" -f "local:$work/data" "$work/mnt" -o "state_dir=$work/states/mnt" </dev/null >>"$work/log" 2>&1 &
    disown
    wait_until is_mounted "$work/mnt"
}
start_otslocal "$work/data" --admin
mount_in_foreground
state=("$work"/states/mnt/local-*)
put='"action": "PutTimeseriesData"'
# stored WHAT: of the table, as the status says.
stored() {
    jq ".tables.t.$1.stored" "$work/mnt/.otsfs/status"
}
is_stored() {
    [ "$(stored "$1")" = "$2" ]
}
mkdir -p "$work/mnt/t/m"
echo 'm,host=a v=1i 1000' >"$work/mnt/t/m/host=a.lp"
sync "$work/mnt/t"
expect_equal "$(stored stream) $(stored journal)" 'true true' 'stored'

# The journal alone, with a row in it that waits: a kill loses nothing of it.
set_faults "{\"rules\": [{$put, \"code\": \"OTSServerBusy\"}]}"
echo 'm,host=a v=2i 2000' >"$work/mnt/t/m/host=a.lp"
rm -r "${state[0]}/journal"
wait_until test -d "${state[0]}/journal/t"
wait_until grep -q 'its journal was removed' "$work/log"
kill_otsfs "$work/mnt"
reset_faults
mount_in_foreground
expect_equal "$(cat "$work/mnt/t/m/host=a.lp")" "$(printf 'm,host=a v=%di %d000\n' 1 1 2 2)" 'rows after a kill'

# What is known of the table: it is told, and stored anew.
touch -d 2020-02-02T02:02:02Z "$work/mnt/t/m/host=a.lp"
sync "$work/mnt/t"
rm "${state[0]}/tables/t.db"*
wait_until grep -q 'what is known of it cannot be stored.*removed' "$work/log"
wait_until is_stored stream false
wait_until is_stored stream true
unmount_otsfs "$work/mnt"
mount_in_foreground
expect_equal "$(mtime "$work/mnt/t/m/host=a.lp")" "$(date -d 2020-02-02T02:02:02Z +%s.%N)" 'a time that was set'

# All of it: closing fails until the next mount; the rows are stored.
rm -r "${state[0]}"
set_faults "{\"rules\": [{$put, \"delay_ms\": 2000}]}"
expect_failure 'Input/output error' tee "$work/mnt/t/m/host=b.lp" <<<'m,host=b v=1i 1000'
wait_until is_stored journal false
wait_until is_stored stream false
grep -q 'rows cannot be written to its journal' "$work/log" || fail 'not in the log'
reset_faults
sync "$work/mnt/t" || fail 'what is stored is no failure'
unmount_otsfs "$work/mnt"
mount_in_foreground
expect_equal "$(cat "$work/mnt/t/m/host=b.lp")" 'm,host=b v=1i 1000' 'a row whose close failed'
