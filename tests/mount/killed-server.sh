#!/usr/bin/env bash
# kill -9 of otslocal amid a copy: copied again, the destination equals the source.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 300 40
mount_otsfs "local:$work/data" "$work/mnt" -o timeout=20
mkdir "$work/mnt/t"
has_copied_some() {
    [ "$(find "$work/mnt/t" -name '*.lp' 2>/dev/null | wc -l)" -gt 50 ]
}

cp -r "$work/plain/." "$work/mnt/t/" 2>"$work/cp.log" &
copy=$!
lib_pids+=("$copy")
wait_until has_copied_some
server=$(processes_of "$otslocal" "$work/data")
kill -KILL "$server"
wait "$copy" || true # what was on its way to the one that died may have failed

cp -r "$work/plain/." "$work/mnt/t/" || fail 'the second copy'
sync "$work/mnt/t" || fail 'sync after the second copy'
diff -r "$work/plain" "$work/mnt/t" || fail 'the destination differs'
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/fresh"
diff -r "$work/plain" "$work/fresh/t" || fail 'a fresh mount differs'
