#!/usr/bin/env bash
# With -o auto_unmount the mount point is free again when otsfs is killed; without it says so.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

daemon() {
    processes_of "$otsfs" "$work/$1"
}

mount_otsfs "local:$work/data" "$work/mnt" -o auto_unmount
mkdir "$work/mnt/t"
pid=$(daemon mnt)
expect_equal "$(wc -w <<<"$pid")" 1 'daemons'
kill -KILL "$pid"
wait_until is_unmounted "$work/mnt"
expect_equal "$(ls "$work/mnt")" '' 'what is left'

# At once again, and an ordinary end is one too.
mount_otsfs "local:$work/data" "$work/mnt" -o auto_unmount
expect_equal "$(ls "$work/mnt")" t 'tables'
unmount_otsfs "$work/mnt"
wait_until no_process_of "$(readlink -f "$(command -v fusermount3)")" "$work/mnt"

mount_otsfs "local:$work/data" "$work/two"
kill -KILL "$(daemon two)"
wait_until no_process_of "$otsfs" "$work/two"
is_mounted "$work/two" || fail 'unmounted by whom?'
expect_failure 'not connected' ls "$work/two"
expect_failure "fusermount3 -u $work/two" "$otsfs" "local:$work/data" "$work/two"
fusermount3 -u "$work/two"
