#!/usr/bin/env bash
# How much is on its way at once, which is what latency costs little by: puts, pages of long timelines
# ahead of a walk, splits of a scan; counted while the service answers none of them. And who has much
# to write to some tables leaves room for the others.
# SEMANTICS 5 read-ahead across files; 6.1 write.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
# Without room for text, so that what is measured is read again.
mount_otsfs "local:$work/data" "$work/mnt" -o cache_size=0
mnt=$work/mnt

# hold_back ACTION AFTER: the answers to all calls behind so many. expect_held: eight are under
# way at once; those are still held back, no more.
hold_back() {
    set_faults "{\"rules\": [{\"action\": \"$1\", \"delay_ms\": 2000, \"nth\": $(($2 + 1)), \"every\": 1}]}"
    count_from "$work/data"
}
expect_held() {
    wait_until reaches 8
    expect_equal "$(counted_since "$work/data" "$1")" "$2" "answers to $1 before eight more were asked for"
    set_faults '{}'
}
reaches() {
    [ "$(hits 0)" -ge "$1" ]
}

# Puts: eight, full ones.
mkdir "$mnt/t"
for i in {10..21}; do
    lines "cpu,host=h$i" 150
done >"$work/small.lp"
hold_back PutTimeseriesData 0
cat "$work/small.lp" >"$mnt/t/.write" &
expect_held PutTimeseriesData 0
wait $! || fail 'writing'
sync "$mnt/t"
expect_equal "$(counter PutTimeseriesData rows_in)" 1800 'rows that were put'

# A walk looks farther ahead the longer it goes: the next timelines are asked for while one is waited for.
mkdir "$mnt/long"
for i in {10..39}; do
    lines "cpu,host=h$i" 600
done >"$mnt/long/.write"
sync "$mnt/long"
ls -lR "$mnt/long" >"$work/long.list"
hold_back GetTimeseriesData 12
cat "$mnt"/long/cpu/*.lp >"$work/read" &
expect_held GetTimeseriesData 12
wait $! || fail 'reading'
expect_equal "$(wc -l <"$work/read")" $((30 * 600)) 'lines that were read'

# A scan: all of its lanes.
mount_otsfs "local:$work/data" "$work/new"
hold_back ScanTimeseriesData 0
ls -lR "$work/new/t" >"$work/t.list" &
expect_held ScanTimeseriesData 0
wait $! || fail 'listing'
unmount_otsfs "$work/new"

# 3 x 120 puts are to be sent, and one row of another table: that is stored behind what was on its way,
# not behind what waits.
lines cpu,host=many 24000 >"$work/many.lp"
mkdir "$mnt"/{one,two,three,other}
lines cpu,host=a 1 >"$mnt/other/.write"
sync "$mnt"
set_faults '{"rules": [{"action": "PutTimeseriesData", "delay_ms": 200}]}'
writers=()
for table in one two three; do
    cat "$work/many.lp" >"$mnt/$table/.write" &
    writers+=($!)
done
wait_until reaches 16
before=$(hits 0)
lines cpu,host=a 1 1 >"$mnt/other/.write"
sync "$mnt/other"
after=$(hits 0)
echo "puts before the one that does not wait: $((after - before))"
[ $((after - before)) -le 180 ] || fail "one row waited for $((after - before)) puts"
wait "${writers[@]}" || fail 'writing to three tables'
