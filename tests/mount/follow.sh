#!/usr/bin/env bash
# Two mounts of one service, each with a state of its own: what one writes shows in the other after
# its next looks at the stream, without a scan; a mount that comes back knows what it knew.
# SEMANTICS 3.1 and 3.2.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
plain_table "$work/plain" 20 50
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
mount_other "local:$work/data" -o poll=0.2
table=$work/mnt/t
cp -r "$work/plain" "$work/other/t" || fail 'cp -r'
sync "$work/other/t"
expect_same <(listing "$table") <(listing "$work/plain")
ls -lR "$table" >"$work/before"

# What is appended shows in sizes, times, listings and open files, and no row is read for it.
wait_for_polls "$work/mnt"
count_from "$work/data"
file=$table/mem/host=h3.lp
before=$(stat -c %Y "$file")
tail -c +1 -f "$file" >"$work/tail" &
tail_pid=$!
lines mem,host=h3 5 50 >"$work/more"
lines disk,host=new 3 >"$work/new"
other_writes t/mem/host=h3.lp <"$work/more"
other_writes t/disk/host=new.lp <"$work/new"
wait_for_polls "$work/mnt"
expect_equal "$(stat -c %s "$file")" "$(cat "$work/plain/mem/host=h3.lp" "$work/more" | wc -c)" 'size'
[ "$(stat -c %Y "$file")" -ge "$before" ] || fail 'its time went back'
expect_equal "$(ls "$table")" $'cpu\ndisk\nmem' 'listing'
expect_equal "$(stat -c %s "$table/disk/host=new.lp")" "$(wc -c <"$work/new")" 'size of a new one'
expect_counted "$work/data" 0 SplitTimeseriesScanTask ScanTimeseriesData
cat "$work/plain/mem/host=h3.lp" "$work/more" >"$work/wanted"
wait_until cmp -s "$work/tail" "$work/wanted"
kill "$tail_pid"
expect_same "$file" "$work/wanted"

# A row that takes the place of another of its length is a change too, of that file alone.
touch -d 2020-01-01T00:00:00Z "$table"/cpu/* "$table"/mem/*
sed -n '7s/ok/no/p' "$work/plain/mem/host=h5.lp" >"$work/corrected"
other_writes t/mem/host=h5.lp <"$work/corrected"
wait_for_polls "$work/mnt"
expect_equal "$(find "$table/cpu" "$table/mem" -newermt 2020-01-02 -type f -printf '%f ')" \
    'host=h5.lp ' 'files that changed'
expect_same <(listing "$table") <(listing "$work/other/t")

# Nothing changes: nothing is asked but the stream.
wait_for_polls "$work/mnt"
count_from "$work/data"
ls -lR "$table" "$work/other/t" >"$work/after"
sleep 2
ls -lR "$table" "$work/other/t" >"$work/later"
expect_same "$work/after" "$work/later"
expect_counted "$work/data" 0 SplitTimeseriesScanTask ScanTimeseriesData GetTimeseriesData

# A mount that comes back reads no row, whatever was set or changed.
touch -d 2021-01-01T00:00:00Z "$table/mem" "$table"
ls -lR --time-style=full-iso "$table" >"$work/before"
unmount_otsfs "$work/mnt"
count_from "$work/data"
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
ls -lR --time-style=full-iso "$table" >"$work/after"
expect_same "$work/before" "$work/after"
expect_counted "$work/data" 0 SplitTimeseriesScanTask ScanTimeseriesData GetTimeseriesData

# The same after a kill, and with changes meanwhile.
lines cpu,host=late 3 >"$work/late"
other_writes t/cpu/host=late.lp <"$work/late"
wait_for_polls "$work/mnt"
sync "$table"
kill_otsfs "$work/mnt"
other_writes t/mem/host=h3.lp < <(lines mem,host=h3 5 55)
count_from "$work/data"
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
sizes_are_exact "$table" || fail 'sizes after a kill'
expect_counted "$work/data" 0 SplitTimeseriesScanTask ScanTimeseriesData
expect_same <(listing "$table") <(listing "$work/other/t")

# Places in the stream that are not kept any more: the table is scanned, and that is told.
unmount_otsfs "$work/mnt"
other_writes t/mem/host=h7.lp < <(lines mem,host=h7 5 50)
trim_stream "$work/data" t
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
expect_same <(listing "$table") <(listing "$work/other/t")
expect_equal "$(otsfs_counter "$work/mnt" otsfs_stream_gaps_total t)" 1 'gaps'
grep -q 'scanned' "$work/mnt/.otsfs/errors" || fail 'the gap is not among the errors'
