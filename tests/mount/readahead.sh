#!/usr/bin/env bash
# Tools that read file after file: how many requests that takes, and that nothing is read twice; a
# copy of more than the cache may hold, in bounded memory.
# SEMANTICS 5 read-ahead across files.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
timelines=2000
rows=20
few=$((30 * rows))

start_otslocal "$work/a" --admin
mount_otsfs "local:$work/a" "$work/mnt"
mkdir "$work/mnt/t"
awk -v timelines=$timelines -v rows=$rows 'BEGIN {
    for (j = 0; j < rows; j++)
        for (i = 0; i < timelines; i++)
            printf "cpu,host=h%06d busy=%d.25,count=%di %d000000000\n", i, j, i, 1700000000 + j
}' >"$work/mnt/t/.write"
sync "$work/mnt/t"
ls -lR "$work/mnt/t" >/dev/null

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

# More than the cache may hold, and no place for it: it takes longer, and is right.
for options in cache_size=0 "cache_dir=/nowhere"; do
    mount_otsfs "local:$work/a" "$work/mnt" -o "$options"
    diff -rq "$work/copy" "$work/mnt/t"
    kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$(processes_of "$otsfs" "$work/mnt")/status")
    [ "$kb" -lt 204800 ] || fail "$options took $kb KB of memory"
    unmount_otsfs "$work/mnt"
done
