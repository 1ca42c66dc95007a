#!/usr/bin/env bash
# `-o browse`: lists of metadata without a scan; sizes that come with open; content as it is.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mnt=$work/mnt
mount_otsfs "local:$work/data" "$mnt"
plain_table "$work/plain" 20 100
mkdir "$work/plain/long"
lines 'long,host=x' 12000 >"$work/plain/long/host=x.lp"
cp -r "$work/plain" "$mnt/t"
sync "$mnt/t"
unmount_otsfs "$mnt"

mount_otsfs "local:$work/data" "$mnt" -o browse
reset_faults
expect_equal "$(ls "$mnt/t")" $'cpu\nlong\nmem' 'measurements'
expect_equal "$(find "$mnt/t" -type f | wc -l)" 41 'timelines'
expect_equal "$(stat -c %s "$mnt/t/long/host=x.lp")" 0 'size before open'
expect_equal "$(counter ScanTimeseriesData calls)$(counter SplitTimeseriesScanTask calls)" 00 'scans'
expect_same "$mnt/t/long/host=x.lp" "$work/plain/long/host=x.lp"
expect_equal "$(stat -c %s "$mnt/t/long/host=x.lp")" \
    "$(stat -c %s "$work/plain/long/host=x.lp")" 'size after open'
expect_equal "$(tail -n 2 "$mnt/t/long/host=x.lp")" "$(tail -n 2 "$work/plain/long/host=x.lp")" 'tail'
expect_equal "$(grep -rc 'count=70i' "$mnt/t" | grep -c ':1$')" 41 'grep -r'
cp -r "$mnt/t" "$work/copy"
diff -r "$work/copy" "$work/plain" || fail 'a copy differs'
range=$mnt/t/.range/20231114221320Z-20231114221330Z
expect_equal "$(cat "$range/long/host=x.lp")" "$(head -n 10 "$work/plain/long/host=x.lp")" 'a range'

grep -qE '"listings_incomplete":[[:space:]]*true' "$mnt/.otsfs/status" || fail 'status does not say it'

# What this mount writes is known.
lines 'cpu,host=new' 10 >"$work/new.lp"
cp "$work/new.lp" "$mnt/t/cpu/host=new.lp"
expect_equal "$(stat -c %s "$mnt/t/cpu/host=new.lp")" "$(stat -c %s "$work/new.lp")" 'own size'
expect_equal "$(counter ScanTimeseriesData calls)$(counter SplitTimeseriesScanTask calls)" 00 'scans'
unmount_otsfs "$mnt"
