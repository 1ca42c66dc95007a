#!/usr/bin/env bash
# A stream that lags: what others change shows late, what this mount writes at once, and in the end every
# size is right. OTS_LAG_S=3 says how much.
# SEMANTICS 3.2.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

lag=${OTS_LAG_S:-3}
lib_wait_s=$((lag + 60))
start_otslocal "$work/data" --admin
set_faults "{\"stream_visible_after_s\": $lag}"
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
mount_other "local:$work/data" -o poll=0.2
plain_table "$work/plain" 6 30
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
table=$work/mnt/t

# What this mount wrote is known at once, and stays what it is when it comes back; nothing is read for it.
count_from "$work/data"
diff -r "$work/plain" "$table" || fail 'the copy'
sizes_are_exact "$table" || fail 'sizes of the copy'
find "$table" -type f -exec touch -d 2020-02-02T02:02:02.123456789Z {} +
picture() {
    find "$table" -type f -printf '%P %s %T@\n' | sort
}
picture >"$work/before"
count_from "$work/data"
sleep $((lag + 1))
wait_for_polls "$work/mnt"
picture >"$work/after"
expect_same "$work/before" "$work/after"
expect_counted "$work/data" 0 GetTimeseriesData ScanTimeseriesData
ls -lR "$other/t" >"$work/listed"

# Others' rows, and ours in front of them, behind them and instead of them before they are told of.
from=$(now)
begun=$SECONDS
for host in 0 1 2 3; do
    lines "mem,host=h$host" 3 30 | other_writes "t/mem/host=h$host.lp"
done
lines mem,host=h0 2 33 >>"$table/mem/host=h0.lp"                            # behind
lines mem,host=h1 2 31 | sed 's/ok/longer/' >>"$table/mem/host=h1.lp"       # instead
lines mem,host=h2 2 10 | sed 's/000000000$/500000000/' >>"$table/mem/host=h2.lp" # in between
lines mem,host=h4 2 5 | sed 's/ok/no/' | other_writes t/mem/host=h4.lp      # a correction
lines mem,host=new 3 | other_writes t/mem/host=new.lp
lines mem,host=new 2 1 | sed 's/ok/our/' >>"$table/mem/host=new.lp"
sync "$table"
to=$(now)
has_come() {
    [ "$(mtime "$table/mem/host=h3.lp")" != 1580608922.123456789 ] &&
        [ "$(mtime "$table/mem/host=h4.lp")" != 1580608922.123456789 ]
}
[ $((SECONDS - begun)) -ge "$lag" ] || ! has_come || fail 'the stream does not lag'
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
wait_until has_come
changed_between "$table/mem/host=h3.lp" "$from" "$to"
changed_between "$table/mem/host=h4.lp" "$from" "$to"
expect_equal "$(mtime "$table/mem/host=h5.lp")" 1580608922.123456789 'time of what nobody changed'

# Mounted anew before the stream has told of our rows: they are still our own.
lines mem,host=h5 2 30 >>"$table/mem/host=h5.lp"
touch -d @1580608922.5 "$table/mem/host=h5.lp"
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
expect_equal "$(mtime "$table/mem/host=h5.lp")" 1580608922.500000000 'time after mounting anew'
sleep $((lag + 1))
wait_for_polls "$work/mnt"
expect_equal "$(mtime "$table/mem/host=h5.lp")" 1580608922.500000000 'time after our rows came back'
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
