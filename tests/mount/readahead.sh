#!/usr/bin/env bash
# Tools that read file after file: how many requests that takes, and that nothing is read twice; a
# copy of more than the cache may hold, in bounded memory.
# SEMANTICS 5 read-ahead across files.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
timelines=2000
rows=20
few=$((30 * rows))

# know TABLE: its sizes are known, and no text is at hand.
know() {
    ls -lR "$work/mnt/$1" >/dev/null
    unmount_otsfs "$work/mnt"
    mount_otsfs "local:$work/a" "$work/mnt"
}

start_otslocal "$work/a" --admin
mount_otsfs "local:$work/a" "$work/mnt"
mkdir "$work/mnt/t"
awk -v timelines=$timelines -v rows=$rows 'BEGIN {
    for (j = 0; j < rows; j++)
        for (i = 0; i < timelines; i++)
            printf "cpu,host=h%06d busy=%d.25,count=%di %d000000000\n", i, j, i, 1700000000 + j
}' >"$work/mnt/t/.write"
sync "$work/mnt/t"
know t

# What a walk reads, in pages of a scan, and each row once but for the timelines it began with.
count_from "$work/a"
cp -r "$work/mnt/t" "$work/copy"
expect_counted "$work/a" 30 GetTimeseriesData
expect_counted "$work/a" 60 ScanTimeseriesData
expect_counted "$work/a" $((timelines * rows + few)) rows_read
diff -rq "$work/copy" "$work/mnt/t"
expect_equal "$(find "$work/copy" -type f | wc -l)" "$timelines" 'files copied'

# Who jumps asks for nothing but what it opens.
sleep 2
count_from "$work/a"
for i in 1500 100 900 1900 400 1200 700 50; do
    cmp "$work/copy/cpu/$(printf 'host=h%06d.lp' $i)" "$work/mnt/t/cpu/$(printf 'host=h%06d.lp' $i)"
done
expect_counted "$work/a" 8 GetTimeseriesData
expect_counted "$work/a" 0 ScanTimeseriesData

# What others change amid walks is never shown half.
mount_other "local:$work/a"
printf 'cpu,host=h001000 busy=99,count=1i 1800000000000000000\n' >"$work/more"
other_writes t/cpu/host=h001000.lp <"$work/more"
has_more() {
    tail -n 1 "$work/mnt/t/cpu/host=h001000.lp" | cmp -s - "$work/more"
}
wait_until has_more
cat "$work/more" >>"$work/copy/cpu/host=h001000.lp"
diff -rq "$work/copy" "$work/mnt/t"
unmount_otsfs "$work/mnt"

# check_memory WHAT: the mount never had more than that, which is less than all of the text and what it has
# without any.
check_memory() {
    local kb
    kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$(processes_of "$otsfs" "$work/mnt")/status")
    echo "$1: at most $((kb / 1024)) MB of memory"
    [ "$kb" -lt 153600 ] || fail "$1 took $kb KB of memory"
}

# 150 MB in the opposite order of their names, so that the first file comes last: kept in memory and on
# disk, and each row read once; with less disk than that, or none, it takes more requests, and is right.
mount_otsfs "local:$work/a" "$work/mnt"
mkdir "$work/mnt/big"
awk 'BEGIN {
    while (length(pad) < 1000) pad = pad "0123456789"
    for (i = 6000; i--;)
        for (j = 0; j < 24; j++)
            printf "cpu,host=h%06d text=\"%s\" %d000000000\n", i, pad, 1700000000 + j
}' >"$work/mnt/big/.write"
sync "$work/mnt/big"
know big
count_from "$work/a"
cp -r "$work/mnt/big" "$work/big"
expect_counted "$work/a" $((6000 * 24 + 30 * 24)) rows_read
check_memory 'text on disk'
unmount_otsfs "$work/mnt"
expect_equal "$(find "$work/big" -type f | wc -l)" 6000 'files copied'
for options in cache_size=1 "cache_dir=$work/gone"; do
    mkdir "$work/gone"
    mount_otsfs "local:$work/a" "$work/mnt" -o "$options"
    rmdir "$work/gone"
    diff -rq "$work/big" "$work/mnt/big"
    check_memory "$options"
    unmount_otsfs "$work/mnt"
done

# Who stops has caused what is read ahead, at most all of it once: a busy machine reads farther while
# the walk waits.
mount_otsfs "local:$work/a" "$work/mnt"
mkdir -p "$work/mnt/ordered/cpu"
cp "$work"/big/cpu/host=h00[01]*.lp "$work/mnt/ordered/cpu/"
sync "$work/mnt/ordered"
know ordered
count_from "$work/a"
for i in 0 1 2 3 4 5; do
    name=$(printf 'cpu/host=h%06d.lp' $i)
    cmp "$work/big/$name" "$work/mnt/ordered/$name"
done
sleep 1
expect_counted "$work/a" $((2000 * 24 + 30 * 24)) rows_read
unmount_otsfs "$work/mnt"
