#!/usr/bin/env bash
# kill -9 of the otslocal of local:DIR: its mounts bring one back by themselves, and lose nothing.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

killed=
is_served_again() {
    local now
    now=$(processes_of "$otslocal" "$work/data")
    [ -n "$now" ] && [ "$now" != "$killed" ] && [ "$(wc -w <<<"$now")" = 1 ]
}
kill_server() {
    killed=$(processes_of "$otslocal" "$work/data")
    kill -KILL "$killed"
}

plain_table "$work/plain" 20 30
mount_otsfs "local:$work/data" "$work/one" -o timeout=30
mount_otsfs "local:$work/data" "$work/two" -o timeout=30
cp -r "$work/plain" "$work/one/t"
sync "$work/one/t" || fail 'sync'

kill_server
expect_equal "$(ls "$work/two")" t 'ls right after'
diff -r "$work/plain" "$work/two/t" || fail 'the second mount lost what was stored'
diff -r "$work/plain" "$work/one/t" || fail 'the first mount lost what was stored'
wait_until is_served_again # by one for both

# Again, amid a copy: every cp succeeds.
cp -r "$work/plain" "$work/one/u" &
copy=$!
lib_pids+=("$copy")
has_copied_some() {
    [ "$(find "$work/one/u" -name '*.lp' 2>/dev/null | wc -l)" -gt 5 ]
}
wait_until has_copied_some
kill_server
wait "$copy" || fail 'cp over the kill'
sync "$work/one/u" || fail 'sync after the copy'
wait_until is_served_again
diff -r "$work/plain" "$work/one/u" || fail 'the copy differs'
is_seen_by_two() {
    diff -r "$work/plain" "$work/two/u" >/dev/null 2>&1
}
wait_until is_seen_by_two

# Nobody asks anything: it comes back all the same. It holds nothing of the mount open.
kill_server
wait_until is_served_again
server=$(processes_of "$otslocal" "$work/data")
! readlink "/proc/$server/fd/"* | grep -qF /dev/fuse || fail 'it holds the mount'

# The watch neither ends the server nor holds up a mount that ends.
unmount_otsfs "$work/one"
kill -0 "$server" || fail 'it ended under the second mount'
began=$SECONDS
unmount_otsfs "$work/two"
[ $((SECONDS - began)) -le 5 ] || fail 'the watch held the mount up'
wait_until no_process_of "$otslocal" "$work/data"
mount_otsfs "local:$work/data" "$work/fresh"
diff -r "$work/plain" "$work/fresh/u" || fail 'a fresh mount differs'
