#!/usr/bin/env bash
# Records that the stream does not keep any more when a mount comes to them: the table is measured anew,
# what changed gets the present time, all else keeps its own, and the gap is told.
# SEMANTICS 3.2 (Gaps).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
plain_table "$work/plain" 10 40
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
table=$work/mnt/t
cp -r "$work/plain" "$table"
find "$table" -type f -exec touch -d 2020-02-02T02:02:02.123456789Z {} +
sync "$table"
mount_other "local:$work/data" -o poll=0.2
ls -lR "$other/t" >"$work/listed"

# change ROUND: rows behind the last one, one in the middle, a correction of the same length, a timeline
# and a measurement. The names are in $work/changed.
change() {
    lines mem,host=h1 3 $((40 + 3 * $1)) | other_writes t/mem/host=h1.lp
    lines mem,host=h2 1 "$1" | sed "s/000000000\$/500000000/" | other_writes t/mem/host=h2.lp
    lines mem,host=h3 1 $((20 + $1)) | sed 's/ok/no/' | other_writes t/mem/host=h3.lp
    lines "mem,host=new$1" 2 | other_writes "t/mem/host=new$1.lp"
    lines "m$1,host=a" 2 | other_writes "t/m$1/host=a.lp"
    printf '%s\n' mem/host=h1.lp mem/host=h2.lp mem/host=h3.lp >"$work/changed"
}
times() {
    (cd "$table" && find . -type f -printf '%P %T@\n' | sort)
}
gaps() {
    otsfs_counter "$work/mnt" otsfs_stream_gaps_total t
}
# check_after FROM WHAT: all is as it is, and only what was changed has another time, the present.
check_after() {
    local name
    agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
    times >"$work/after"
    while read -r name; do
        changed_between "$table/$name" "$1" "$(now)"
    done <"$work/changed"
    expect_same <(grep -vf "$work/changed" "$work/before") \
        <(grep -vf "$work/changed" "$work/after" | grep -v -e new -e '^m[0-9]/')
    grep -qi 'removed before it was read' "$work/mnt/.otsfs/errors" || fail "errors say nothing of the gap $2"
    times >"$work/before"
    grep -v -e new -e '^m[0-9]/' "$work/before" >"$work/old" && mv "$work/old" "$work/before"
}
times >"$work/before"

# Trimmed, but read before: no gap.
wait_for_polls "$work/mnt"
trim_stream "$work/data" t
wait_for_polls "$work/mnt"
expect_equal "$(gaps)" 0 'gaps when all was read'

# While it was unmounted.
unmount_otsfs "$work/mnt"
change 1
trim_stream "$work/data" t
sleep 0.2 # so that the time of the changes is another
from=$(now)
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
check_after "$from" 'while it was unmounted'
[ "$(gaps)" -ge 1 ] || fail 'the status tells no gap'
cp -r "$table" "$work/copy"

# While it is mounted, but the stream cannot be read.
before=$(gaps)
retries() {
    jq '.requests.GetStreamRecord.retries' "$work/mnt/.otsfs/status"
}
is_refused() {
    [ "$(retries)" -gt "$retries" ]
}
retries=$(retries)
set_faults '{"rules": [{"action": "GetStreamRecord", "code": "OTSServerBusy"}]}'
# Then no request that was answered is under way any more.
wait_until is_refused
from=$(now)
change 2
trim_stream "$work/data" t
reset_faults
is_told() {
    [ "$(gaps)" -gt "$before" ]
}
wait_until is_told
check_after "$from" 'while it was mounted'
# Once, and then it follows again.
count_from "$work/data"
lines mem,host=h1 1 60 | other_writes t/mem/host=h1.lp
wait_until grep -q 1700000060 "$table/mem/host=h1.lp"
expect_counted "$work/data" 0 SplitTimeseriesScanTask
expect_equal "$(gaps)" $((before + 1)) 'gaps'
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"

# Killed at that.
kill_otsfs "$work/mnt"
change 3
trim_stream "$work/data" t
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
kill_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
