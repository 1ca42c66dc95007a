#!/usr/bin/env bash
# local:DIR starts one otslocal for all mounts of a directory; it ends some seconds after the last.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/one"
server=$(processes_of "$otslocal" "$work/data")
[ -n "$server" ] || fail 'no otslocal'
(cd "$work" && mount_otsfs local:./data "$work/two") || fail 'a relative path'
lib_mounts+=("$work/two")
expect_equal "$(processes_of "$otslocal" "$work/data")" "$server" 'otslocal of the second mount'

mkdir "$work/one/t" "$work/one/t/m"
echo 'm,host=a v=1i 1000' >"$work/one/t/m/host=a.lp"
sync "$work/one/t"
shows_row() {
    [ "$(cat "$work/two/t/m/host=a.lp" 2>/dev/null)" = 'm,host=a v=1i 1000' ]
}
wait_until shows_row

unmount_otsfs "$work/one"
kill -0 "$server" || fail 'it ended under the second mount'
shows_row || fail 'the second mount lost it'
began=$SECONDS
unmount_otsfs "$work/two"
kill -0 "$server" 2>/dev/null || fail 'it did not linger'
mount_otsfs "local:$work/data" "$work/three"
expect_equal "$(processes_of "$otslocal" "$work/data")" "$server" 'otslocal of a mount soon after'
unmount_otsfs "$work/three"
wait_until no_process_of "$otslocal" "$work/data"
[ $((SECONDS - began)) -ge 4 ] || fail 'it ended too soon'
[ $((SECONDS - began)) -le 15 ] || fail 'it ended too late'
