#!/usr/bin/env bash
# rm and rmdir: refused without -o allow_delete; with it files are hidden, and rows stay.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
t=$work/mnt/t
# Not directories of this mount: those would outlive their files.
plain_table "$work/plain" 2 10
cp -r "$work/plain" "$t" || fail 'cp -r'
unmount_otsfs "$work/mnt"

# --- without the option nothing goes, and tools say so --------------------------------------------
mount_otsfs "local:$work/data" "$work/mnt"
expect_failure 'Operation not permitted' rm "$t/cpu/_data_source=web-0,az=b.lp"
expect_failure 'Operation not permitted' rm -r "$t"
expect_failure 'Operation not permitted' rmdir "$t"
expect_same <(cd "$t" && find . | sort) <(cd "$work/plain" && find . | sort)
if command -v rsync >/dev/null; then
    mkdir -p "$work/less/cpu"
    cp -p "$t/cpu/"*web-1* "$work/less/cpu/"
    status=0
    rsync -r --inplace --size-only --delete "$work/less/cpu/" "$t/cpu/" >"$work/rsync.out" 2>&1 || status=$?
    expect_equal "$status" 23 'exit status of rsync --delete'
    grep -q 'web-0.*Operation not permitted' "$work/rsync.out" ||
        fail "rsync does not say why: $(cat "$work/rsync.out")"
    expect_equal "$(find "$t/cpu" -name '*.lp' | wc -l)" 2 'timelines after rsync --delete'
fi
unmount_otsfs "$work/mnt"

# --- with it ---------------------------------------------------------------------------------------
mount_otsfs "local:$work/data" "$work/mnt" -o allow_delete
file="$t/mem/host=h0.lp"
exec {open}<"$file"
rm "$file" || fail 'rm'
expect_equal "$(counter DeleteTimeseriesMeta calls)" 1 'calls of DeleteTimeseriesMeta'
expect_equal "$(ls "$t/mem")" host=h1.lp 'timelines after rm'
expect_failure 'No such file or directory' cat "$file"
expect_same <(cat <&"$open") "$work/plain/mem/host=h0.lp"
exec {open}<&-
sleep 1.1 # so that the table is scanned anew
expect_equal "$(ls "$t/mem")" host=h1.lp 'timelines after rm and a scan'

# The rows stay: a mount that knows nothing of it shows them, and so does this one after a new row.
mkdir "$work/other"
mount_otsfs "local:$work/data" "$work/other"
expect_same "$work/other/t/mem/host=h0.lp" "$work/plain/mem/host=h0.lp"
lines mem,host=h0 1 10 >"$work/other/t/mem/host=h0.lp"
unmount_otsfs "$work/other"
wait_until test -e "$file"
expect_same "$file" <(lines mem,host=h0 11)
rm "$file"
lines mem,host=h0 1 11 >>"$file" || fail 'a new row'
expect_same "$file" <(lines mem,host=h0 12)

# The service's refusal is the tool's, and nothing is hidden.
set_faults '{"rules": [{"action": "DeleteTimeseriesMeta", "code": "OTSNoPermissionAccess", "message": "no"}]}'
expect_failure 'Permission denied' rm "$file"
reset_faults
[ -e "$file" ] || fail 'hidden without a reason'

# rsync --delete.
if command -v rsync >/dev/null; then
    rsync -r --inplace --size-only --delete "$work/less/cpu/" "$t/cpu/" || fail 'rsync --delete'
    expect_equal "$(ls "$t/cpu")" '_data_source=web-1,az=b.lp' 'timelines after rsync --delete'
fi

# rm -r empties a table's directory, and stops before the table: it has rows.
expect_failure 'Directory not empty' rm -r "$t"
expect_equal "$(ls "$t")" '' 'what rm -r left'
expect_failure 'Directory not empty' rmdir "$t"
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt" -o allow_delete
expect_equal "$(find "$t" -name '*.lp' | wc -l)" 4 'timelines of the next mount'
expect_same "$t/cpu/_data_source=web-0,az=b.lp" "$work/plain/cpu/_data_source=web-0,az=b.lp"

# A table without rows goes, and comes back with mkdir.
mkdir "$work/mnt/empty" "$work/mnt/empty/m"
expect_failure 'Directory not empty' rmdir "$work/mnt/empty"
: >"$work/mnt/empty/m/_.lp"
rm -r "$work/mnt/empty" || fail 'rm -r of a table without rows'
expect_equal "$(ls "$work/mnt")" t 'tables'
mkdir "$work/mnt/empty" "$work/mnt/empty/m" || fail 'mkdir after rmdir'
lines m,host=a 300 >"$work/mnt/empty/m/host=a.lp" || fail 'writing to the new table'
sync "$work/mnt/empty" || fail 'sync of the new table'
expect_failure 'Directory not empty' rmdir "$work/mnt/empty"

# Rows on their way to the new table are its own after a kill, too: they are put, not rejected.
mkdir "$work/mnt/anew"
rmdir "$work/mnt/anew" || fail 'rmdir of a new table'
mkdir "$work/mnt/anew" "$work/mnt/anew/m"
set_faults '{"rules": [{"action": "PutTimeseriesData", "code": "OTSServerBusy"}]}'
lines m,host=a 5 >"$work/mnt/anew/m/host=a.lp" || fail 'rows that wait'
kill_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt" -o allow_delete
# As long as they cannot be put, the table is not taken for one without rows.
if timeout -s INT 2 rmdir "$work/mnt/anew" 2>"$work/rmdir.log"; then
    fail 'rmdir of a table whose rows wait in the journal'
fi
reset_faults
expect_same "$work/mnt/anew/m/host=a.lp" <(lines m,host=a 5)
expect_failure 'Directory not empty' rmdir "$work/mnt/anew"
expect_equal "$(cat "$work/mnt/.otsfs/errors")" '' 'errors'
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
expect_same "$work/mnt/empty/m/host=a.lp" <(lines m,host=a 300)
