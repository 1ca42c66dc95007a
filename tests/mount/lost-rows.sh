#!/usr/bin/env bash
# Rows that could not be stored in time are told by fsync and by sync DIR until they are stored.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt" -o timeout=1
mkdir "$work/mnt/t" "$work/mnt/t/m"
file=$work/mnt/t/m/host=a.lp
printf 'm,host=a v=1i 1000\nm,host=a v=3i 3000\n' >"$work/wanted"

# The file is open before the server dies; its rows then find nobody within the time-out.
exec {rows}>>"$file"
rm "$work/data/otslocal.log"
mkdir "$work/data/otslocal.log" # so that the mount cannot start another one
kill -KILL "$(processes_of "$otslocal" "$work/data")"
printf 'm,host=a v=2i 2000\n' >&"$rows"
expect_failure 'Input/output error' python3 -c "import os; os.fsync($rows)"
expect_failure 'Input/output error' sync "$work/mnt/t"
exec {rows}>&-

"$otslocal" "$work/data" --socket "$work/data/otslocal.sock" >"$work/again.log" 2>&1 &
lib_pids+=($!)
wait_until grep -qs '^otslocal: ready' "$work/again.log"
sync "$work/mnt/t" || fail 'told of rows that are stored by now'
expect_equal "$(cat "$file")" 'm,host=a v=2i 2000' 'what was stored later'
cp "$work/wanted" "$file" || fail 'a good file after a lost one'
sync "$file" || fail 'told by a new file'
printf 'm,host=a v=1i 1000\nm,host=a v=2i 2000\nm,host=a v=3i 3000\n' >"$work/wanted"
expect_same "$file" "$work/wanted"
