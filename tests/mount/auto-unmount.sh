#!/usr/bin/env bash
# With -o auto_unmount the mount point is free again when otsfs is killed; without it says so.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

daemon() {
    processes_of "$otsfs" "$work/$1"
}
no_helper_is_left() {
    no_process_of "$(readlink -f "$(command -v fusermount3)")" "$work/mnt"
}

mount_otsfs "local:$work/data" "$work/mnt" -o auto_unmount
mkdir "$work/mnt/t"
# fusermount3 looks once, when otsfs's end of a socket closes. If the kernel ends the connection only
# after that look, it takes the mount for one that still answers and leaves it (3.14); seldom, so not
# each time.
for ((attempt = 1; ; attempt++)); do
    pid=$(daemon mnt)
    expect_equal "$(wc -w <<<"$pid")" 1 'daemons'
    kill -KILL "$pid"
    wait_until no_helper_is_left
    if is_unmounted "$work/mnt"; then
        break
    fi
    [ "$attempt" -lt 3 ] || fail 'still mounted'
    fusermount3 -u "$work/mnt"
    mount_otsfs "local:$work/data" "$work/mnt" -o auto_unmount
done
expect_equal "$(ls "$work/mnt")" '' 'what is left'

# At once again, and an ordinary end is one too.
mount_otsfs "local:$work/data" "$work/mnt" -o auto_unmount
expect_equal "$(ls "$work/mnt")" t 'tables'
unmount_otsfs "$work/mnt"
wait_until no_helper_is_left

mount_otsfs "local:$work/data" "$work/two"
kill -KILL "$(daemon two)"
wait_until no_process_of "$otsfs" "$work/two"
is_mounted "$work/two" || fail 'unmounted by whom?'
expect_failure 'not connected' ls "$work/two"
expect_failure "fusermount3 -u $work/two" "$otsfs" "local:$work/data" "$work/two"
fusermount3 -u "$work/two"
