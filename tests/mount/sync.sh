#!/usr/bin/env bash
# sync DIR waits until the rows are stored: they survive the end of everything.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 30 20
mount_otsfs "local:$work/data" "$work/mnt"
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
server=$(processes_of "$otslocal" "$work/data")
daemon=$(processes_of "$otsfs" "$work/mnt")
kill -KILL "$daemon" "$server"
fusermount3 -u -z -- "$work/mnt"
wait_until no_process_of "$otsfs" "$work/mnt"
wait_until no_process_of "$otslocal" "$work/data"
mount_otsfs "local:$work/data" "$work/fresh"
diff -r "$work/plain" "$work/fresh/t" || fail 'rows were lost'

# Of one measurement, one file, and the whole mount.
echo 'mem,host=h0 v=1i 1000' >>"$work/fresh/t/mem/host=h0.lp"
sync "$work/fresh/t/mem" "$work/fresh/t/mem/host=h0.lp" "$work/fresh"
