#!/usr/bin/env bash
# Unmounting, and SIGTERM, store what was written right before.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 20 30
for round in unmount terminate; do
    mount_otsfs "local:$work/data" "$work/$round"
    cp -r "$work/plain" "$work/$round/$round"
    if [ "$round" = unmount ]; then
        fusermount3 -u -- "$work/$round"
    else
        kill "$(processes_of "$otsfs" "$work/$round")"
    fi
    wait_until is_unmounted "$work/$round"
    wait_until no_process_of "$otsfs" "$work/$round"
    mount_otsfs "local:$work/data" "$work/fresh-$round"
    diff -r "$work/plain" "$work/fresh-$round/$round" || fail "rows were lost at $round"
    unmount_otsfs "$work/fresh-$round"
done

# A service that takes nothing, not even at the end: each row written to .write is in the journal,
# from where it comes back, or in the rejected lines.
start_otslocal "$work/busy" --admin
mount_otsfs "local:$work/busy" "$work/mnt" -o timeout=1
mkdir "$work/mnt/t"
set_faults '{"rules": [{"action": "PutTimeseriesData", "code": "OTSServerBusy"}]}'
lines cpu,host=a 9000 >"$work/lines.lp"
timeout 60 cat "$work/lines.lp" >"$work/mnt/t/.write" || true
fusermount3 -u -- "$work/mnt"
wait_until no_process_of "$otsfs" "$work/mnt"
reset_faults
mount_otsfs "local:$work/busy" "$work/mnt"
sync "$work/mnt/t"
{
    cat "$work/mnt/t/cpu/host=a.lp"
    grep -hv '^#' "$work"/mnt/.otsfs/rejected/t.lp || true
} | sort -u >"$work/found"
sort "$work/lines.lp" | cmp - "$work/found" || fail 'rows of .write were lost'
