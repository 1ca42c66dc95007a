#!/usr/bin/env bash
# A table that was never seen: the scan that measures it is the only one that reads its rows, whatever
# walks through it then; and what does not fit, or was changed meanwhile, is read again and is right.
# SEMANTICS 5 what was measured.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
timelines=1500
rows=20
all=$((timelines * rows))

start_otslocal "$work/a" --admin
mount_otsfs "local:$work/a" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/big" "$work/mnt/long"
awk -v timelines=$timelines -v rows=$rows 'BEGIN {
    for (j = 0; j < rows; j++)
        for (i = timelines; i--;)
            printf "cpu%d,host=h%06d busy=%d.25,count=%di %d000000000\n", i % 3, i, j, i, 1700000000 + j
}' | tee "$work/lines" >"$work/mnt/t/.write"
# 35 MB, far more than is kept in memory.
awk 'BEGIN {
    while (length(pad) < 1000) pad = pad "0123456789"
    for (i = 1400; i--;)
        for (j = 0; j < 24; j++)
            printf "cpu,host=h%06d text=\"%s\" %d000000000\n", i, pad, 1700000000 + j
}' | tee "$work/lines.big" >"$work/mnt/big/.write"
# Timelines of many pages.
awk 'BEGIN {
    for (i = 0; i < 4; i++)
        for (j = 0; j < 12000; j++)
            printf "cpu,host=h%d value=%d %d000000000\n", i, j, 1700000000 + j
}' | tee "$work/lines.long" >"$work/mnt/long/.write"
sync "$work/mnt"
unmount_otsfs "$work/mnt"

# new_mount [OPTION...]: one that never saw anything.
states=0
new_mount() {
    states=$((states + 1))
    mount_otsfs "local:$work/a" "$work/mnt" -o "state_dir=$work/state$states" "$@"
    count_from "$work/a"
}
# expect_once ROWS WHAT: each row was read once, by a scan.
expect_once() {
    expect_equal "$(counted_since "$work/a" rows_read)" "$1" "rows read: $2"
    expect_equal "$(counted_since "$work/a" GetTimeseriesData)" 0 "single reads: $2"
}
# expect_lines FILE TREE: the tree's lines are those of the file.
expect_lines() {
    LC_ALL=C sort "$1" >"$work/wanted"
    find "$2" -type f -exec cat {} + | LC_ALL=C sort | cmp - "$work/wanted" || fail "$2 has other lines"
}

new_mount
cp -r "$work/mnt/t" "$work/copy"
expect_once $all 'cp -r'
expect_lines "$work/lines" "$work/copy"
# It is gone now.
count_from "$work/a"
diff -rq "$work/copy" "$work/mnt/t"
[ "$(counted_since "$work/a" rows_read)" -ge $all ] || fail 'texts were kept after they were taken'
unmount_otsfs "$work/mnt"

new_mount
expect_equal "$(grep -r 'count=7i' "$work/mnt/t" | wc -l)" $rows 'lines that were found'
expect_once $all 'grep -r'
unmount_otsfs "$work/mnt"

new_mount
rsync -a "$work/mnt/t/" "$work/synced"
expect_once $all 'rsync'
diff -rq "$work/copy" "$work/synced"
unmount_otsfs "$work/mnt"

# Not in order, and by several at once; what looks like a walk by chance asks for a few that were read.
new_mount
find "$work/mnt/t" -name '*.lp' -print0 | shuf -z | xargs -0 -n 50 -P 4 cat >"$work/shuffled"
expect_counted "$work/a" $((all + 30 * rows)) rows_read
expect_counted "$work/a" 30 GetTimeseriesData
expect_equal "$(wc -l <"$work/shuffled")" $all 'lines'
unmount_otsfs "$work/mnt"

# Listed and then read; a view; a split, which is one of the whole table.
new_mount
ls -lR "$work/mnt/t" >"$work/list"
expect_once $all 'ls -lR'
cp -r "$work/mnt/t/.splits/0-of-2" "$work/half0"
cp -r "$work/mnt/t/.splits/1-of-2" "$work/half1"
expect_once $all 'both halves'
cat "$work"/half?/*/*.lp | LC_ALL=C sort | cmp - "$work/wanted"
count_from "$work/a"
cp -r "$work/mnt/t/.fields/count" "$work/counts"
expect_once $all 'a view'
expect_equal "$(cat "$work"/counts/*/*.lp | wc -l)" $all 'lines'
unmount_otsfs "$work/mnt"

# In memory and on disk; timelines of many pages; inside one mount.
new_mount
cp -r "$work/mnt/big" "$work/big"
expect_once $((1400 * 24)) 'more than memory may hold'
expect_lines "$work/lines.big" "$work/big"
count_from "$work/a"
cp -r "$work/mnt/long" "$work/long"
expect_once $((4 * 12000)) 'long timelines'
expect_lines "$work/lines.long" "$work/long"
unmount_otsfs "$work/mnt"
start_otslocal "$work/b"
mount_otsfs "local:$work/a,local:$work/b" "$work/mnt" -o "state_dir=$work/state.both"
count_from "$work/a"
cp -r "$work/mnt/a/t" "$work/mnt/b/"
expect_once $all 'a copy inside one mount'
diff -rq "$work/copy" "$work/mnt/b/t"
unmount_otsfs "$work/mnt"

# Without room: it takes more, at most twice, and is right.
for mib in 1 0; do
    new_mount -o "cache_size=$mib"
    cp -r "$work/mnt/big" "$work/big.$mib"
    expect_counted "$work/a" $((2 * 1400 * 24 + 30 * 24)) rows_read
    diff -rq "$work/big" "$work/big.$mib"
    unmount_otsfs "$work/mnt"
done

# What another mount changed between the listing and the reading is shown.
new_mount
ls -lR "$work/mnt/t" >"$work/list"
mount_other "local:$work/a"
printf 'cpu0,host=h000003 busy=7.25,count=3i 1700000000000000000\n' | other_writes t/cpu0/host=h000003.lp
is_shown() {
    head -n 1 "$work/mnt/t/cpu0/host=h000003.lp" | grep -q busy=7.25
}
wait_until is_shown
expect_equal "$(wc -l <"$work/mnt/t/cpu0/host=h000003.lp")" $rows 'lines of what was changed'
cmp "$work/copy/cpu1/host=h000004.lp" "$work/mnt/t/cpu1/host=h000004.lp"
unmount_otsfs "$work/mnt"
