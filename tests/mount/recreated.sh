#!/usr/bin/env bash
# A table that is deleted and made anew under the same name is another table: nothing of what was known
# of the old one is said of the new one, though its files have the same names and sizes.
# SEMANTICS 3.1 (identity).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
table=$work/mnt/t
set_time=1577836800.000000001

# make_table VALUE: two timelines of rows that differ in this word of two letters; at $other.
make_table() {
    mount_other "local:$work/data"
    mkdir "$other/t"
    for host in a b; do
        lines "m,host=$host" 30 | sed "s/ok/$1/" | other_writes "t/m/host=$host.lp"
    done
    unmount_otsfs "$other"
}
knows() {
    grep -q "state=\"$1" "$table/m/host=a.lp" && grep -q "state=\"$1" "$table/m/host=b.lp"
}
# check VALUE: the table is that one, and nothing is left of the one before.
check() {
    wait_until knows "$1"
    agree_with_fresh "local:$work/data" t "$work/mnt"
    expect_equal "$(find "$table" -type f | wc -l)" 2 'files'
    expect_equal "$(mtime "$table/m/host=a.lp")" 1700000029.000000000 'time at first sight'
    touch -d "@$set_time" "$table/m/host=a.lp" "$table/m/host=b.lp"
    sync "$table"
}

make_table v1
check v1
lines m,host=gone 5 >"$table/m/host=gone.lp"
sync "$table"

# Mounted, and it looks in between, or not.
delete_table "$work/data" t
wait_until test ! -e "$table"
make_table v2
check v2
delete_table "$work/data" t
make_table v3
check v3

# Unmounted.
unmount_otsfs "$work/mnt"
delete_table "$work/data" t
make_table v4
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
check v4

# Killed, with rows on their way to the old one: they are not put into the new one.
set_faults '{"rules": [{"action": "PutTimeseriesData", "code": "OTSServerBusy"}]}'
lines m,host=lost 5 >"$table/m/host=lost.lp"
kill_otsfs "$work/mnt"
reset_faults
delete_table "$work/data" t
make_table v5
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
check v5
expect_equal "$(grep -c '^m,host=lost' "$work/mnt/.otsfs/rejected/t.lp")" 5 'rows of the old table in rejected'

# Gone for good: no table and no state of it.
delete_table "$work/data" t
wait_until test ! -e "$table"
expect_failure 'No such file' ls "$table"
