#!/usr/bin/env bash
# Measuring that is overtaken by writes: while a slow scan, or a slow reading of one timeline, is under
# way, others and this mount write to what was measured already and to what comes.
# SEMANTICS 3.2.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_other "local:$work/data" -o poll=0.2
plain_table "$work/plain" 30 400
cp -r "$work/plain" "$other/t"
sync "$other/t"
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
table=$work/mnt/t

# write MOUNT WHO SECONDS: appended, corrected, late and new rows of all timelines, in turn.
write() {
    local turn=0 host end=$((SECONDS + $3))
    while [ "$SECONDS" -lt "$end" ]; do
        host=h$((turn % 30))
        {
            lines "mem,host=$host" 2 $((400 + 2 * turn))
            lines "mem,host=$host" 1 $((turn % 400)) | sed "s/ok/${2}k/"
            lines "mem,host=$host" 1 $((turn % 400)) | sed "s/000000000\$/${2}00000000/"
        } >>"$1/t/mem/host=$host.lp" || return
        lines "new,host=$2-$turn" 2 >>"$1/t/new/host=$2-$turn.lp" || return
        turn=$((turn + 1))
        sleep 0.02
    done
}
# has_asked COUNT: for so many pages of a timeline since count_from.
has_asked() {
    [ "$(counted_since "$work/data" GetTimeseriesData)" -ge "$1" ]
}
mkdir "$other/t/new"

# A scan of several pages, each of which takes its time.
set_faults '{"rules": [{"action": "ScanTimeseriesData", "delay_ms": 300}]}'
count_from "$work/data"
write "$other" 1 3 &
writer=$!
ls -lR "$table" >"$work/listed" &
looker=$!
lib_pids+=("$writer" "$looker")
wait "$looker" || fail 'ls'
mkdir -p "$table/new"
[ "$(counted_since "$work/data" ScanTimeseriesData)" -ge 3 ] || fail 'too short a scan for this test'
write "$work/mnt" 2 2 &
own=$!
lib_pids+=("$own")
for _ in 1 2 3; do
    ls -lR "$table" >"$work/listed" || fail 'ls amid writes'
done
wait "$writer" "$own" || fail 'writing'
reset_faults
sync "$other/t"
sync "$table"
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"

# The same in a mount that knows nothing, which writes at once.
unmount_otsfs "$work/mnt"
rm -rf "$work/states/mnt"
set_faults '{"rules": [{"action": "ScanTimeseriesData", "delay_ms": 300}]}'
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
write "$other" 3 3 &
writer=$!
write "$work/mnt" 4 2 &
own=$!
lib_pids+=("$writer" "$own")
ls -lR "$table" >"$work/listed" || fail 'ls amid writes'
wait "$writer" || fail 'writing'
wait "$own" || fail 'writing'
reset_faults
sync "$other/t"
sync "$table"
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"

# One timeline of many pages that has to be measured again, slowly, while it changes.
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "long,a=b v=%di %d000000000\n", i % 9, 1700000000 + i }' |
    other_writes t/long/a=b.lp
agree_with_fresh "local:$work/data" t "$work/mnt"
set_faults '{"rules": [{"action": "GetTimeseriesData", "delay_ms": 300}, {"action": "ScanTimeseriesData", "delay_ms": 100}]}'
for turn in 1 2 3; do
    echo "long,a=b v=${turn}5i 1699999999${turn}00000000" | other_writes t/long/a=b.lp
    wait_for_polls "$work/mnt"
    count_from "$work/data"
    stat "$table/long/a=b.lp" >"$work/stat" &
    looker=$!
    lib_pids+=("$looker")
    wait_until has_asked "$turn"
    for row in 0 7000 19000; do
        echo "long,a=b v=100$turn$((row / 7000))i $((1700000000 + row))000000000" | other_writes t/long/a=b.lp
    done
    echo "long,a=b v=${turn}i $((1700020000 + turn))000000000" | other_writes t/long/a=b.lp
    echo "long,a=b v=${turn}0i $((1700030000 + turn))000000000" >>"$table/long/a=b.lp"
    wait "$looker" || fail 'stat amid writes'
done
reset_faults
sync "$table"
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
