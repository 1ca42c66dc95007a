#!/usr/bin/env bash
# `.changes`: windows of what was put, with real tools; a window that is not complete is waited for,
# and one that the stream does not keep, or may not be read, is another error than none at all.
# SEMANTICS 2 `.changes`; 9.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mnt=$work/mnt
mount_otsfs "local:$work/data" "$mnt" -o settle=1
mkdir "$mnt/t" "$mnt/t/cpu" "$mnt/t/mem"
name() {
    date -u -d "@$1" +%Y%m%d%H%M%SZ
}
window() {
    echo "$mnt/t/.changes/$(name "$1")-$(name "$2")"
}
# Begin a second before which all was stored that was written, and after which nothing of it is.
marks=()
mark() {
    sync "$mnt/t"
    local second=$EPOCHSECONDS
    while [ "$EPOCHSECONDS" = "$second" ]; do sleep 0.02; done
    marks+=("$EPOCHSECONDS")
}
is_complete() {
    stat "$1" >"$work/stat" 2>&1
}

# --- step by step ---------------------------------------------------------------------------------

mark
lines cpu,host=a 12000 >"$mnt/t/cpu/host=a.lp"
lines mem,host=a 10 >"$mnt/t/mem/host=a.lp"
mark
lines cpu,host=b 100 >"$mnt/t/cpu/host=b.lp"
split_shard "$work/data" t
lines cpu,host=b 100 100 >>"$mnt/t/cpu/host=b.lp"
mark
lines cpu,host=a 50 12000 >>"$mnt/t/cpu/host=a.lp"
echo 'mem,host=a used=9i 1700000003000000000' >>"$mnt/t/mem/host=a.lp"
mark

# A script waits.
last=$(window "${marks[2]}" "${marks[3]}")
if ! stat "$last" >/dev/null 2>"$work/stat"; then
    grep -q 'Resource temporarily unavailable' "$work/stat" || fail "told: $(cat "$work/stat")"
fi
soon=$(window "$((EPOCHSECONDS - 1))" "$((EPOCHSECONDS + 2))")
expect_failure 'Resource temporarily unavailable' stat "$soon"
expect_failure 'Resource temporarily unavailable' ls "$soon/cpu"
wait_until is_complete "$soon"
ls "$soon" >/dev/null

lines cpu,host=a 12000 >"$work/first.lp"
lines cpu,host=b 200 >"$work/second.lp"
lines cpu,host=a 50 12000 >"$work/third.lp"
first=$(window "${marks[0]}" "${marks[1]}")
second=$(window "${marks[1]}" "${marks[2]}")
expect_equal "$(ls -A "$first")" $'cpu\nmem' 'measurements of the first'
expect_same "$first/cpu/host=a.lp" "$work/first.lp"
expect_equal "$(stat -c %s "$first/cpu/host=a.lp")" "$(stat -c %s "$work/first.lp")" 'size'
expect_equal "$(find "$second" -type f -printf '%P\n')" cpu/host=b.lp 'files of the second'
expect_same "$second/cpu/host=b.lp" "$work/second.lp"
expect_same "$last/cpu/host=a.lp" "$work/third.lp"
expect_equal "$(cat "$last/mem/host=a.lp")" 'mem,host=a used=9i 1700000003000000000' 'a row put again'
grep -v 1700000003 "$first/mem/host=a.lp" >"$work/others"
expect_equal "$(wc -l <"$work/others")" 9 'the row as it was put first'

# Times are those of the commits.
for at in 0 1 2; do
    seconds=$(find "$(window "${marks[at]}" "${marks[at + 1]}")" -type f -printf '%Ts\n' | sort -u)
    if [ "$seconds" -lt "${marks[at]}" ] || [ "$seconds" -ge "${marks[at + 1]}" ]; then
        fail "window $at has files of $seconds"
    fi
done

# Tools.
expect_equal "$(tail -n 1 "$first/cpu/host=a.lp")" "$(tail -n 1 "$work/first.lp")" 'tail'
expect_equal "$(grep -rh 'count=700i' "$first/cpu")" "$(grep -h 'count=700i' "$work/first.lp")" 'grep -r'
cp -r "$first" "$work/copy"
diff -r "$first" "$work/copy" || fail 'a copy of a window differs'
tar -C "$first" -cf - . | tar -xf - -C "$(mkdir "$work/untarred" && echo "$work/untarred")"
diff -r "$first" "$work/untarred" || fail 'tar of a window differs'
rsync -a "$first/" "$work/synced"
expect_equal "$(rsync -ai "$first/" "$work/synced" | grep -c '^>f')" 0 'files that rsync takes for changed' ||
    fail 'rsync copies again'

# One window after the other makes up the whole.
mount_otsfs "local:$work/other" "$work/out"
mkdir "$work/out/t"
for at in 0 1 2; do
    cp -rT "$(window "${marks[at]}" "${marks[at + 1]}")" "$work/out/t"
done
sync "$work/out/t"
diff -r "$mnt/t" "$work/out/t" || fail 'the copy of all windows differs'
rm -rf "$work/copy"
cp -r "$(window "${marks[0]}" "${marks[3]}")" "$work/copy"
diff -r "$mnt/t" "$work/copy" || fail 'the window of all differs'

# Whatever is put later.
echo 'cpu,host=a count=1i 1700000000000000000' >>"$mnt/t/cpu/host=a.lp"
rm -rf "$work/copy"
sync "$mnt/t"
expect_same "$first/cpu/host=a.lp" "$work/first.lp"
exec 5<"$first/cpu/host=a.lp"
unread=$(window "$((marks[0] - 1))" "${marks[1]}")
expect_same "$unread/cpu/host=a.lp" "$work/first.lp"
expect_same /dev/fd/5 "$work/first.lp"
exec 5<&-

# --- views in views -------------------------------------------------------------------------------

range=.range/20231114221320Z-20231114221330Z
part=$(basename "$first")
sed 's/busy=[^,]*,\(count=[0-9]*i\),state="[^"]*"/\1/' <(head -n 10 "$work/first.lp") >"$work/part"
for path in ".changes/$part/.fields/count/$range" ".fields/count/.changes/$part/$range" \
    "$range/.fields/count:integer/.changes/$part" "$range/.changes/$part/.changes/$part/.fields/count"; do
    expect_same "$mnt/t/$path/cpu/host=a.lp" "$work/part"
done

# --- errors ---------------------------------------------------------------------------------------

expect_failure 'No such file or directory' ls "$mnt/t/.changes/x"
expect_failure 'No such file or directory' ls "$mnt/t/.changes/20231314221320Z-20231114221330Z"
expect_failure 'Invalid argument' ls "$(window "${marks[1]}" "${marks[0]}")"
expect_failure 'Invalid argument' ls "$(window "${marks[1]}" "${marks[1]}")"
expect_failure 'Invalid argument' ls "$first/.changes/$(basename "$second")"
expect_failure 'Read-only file system' touch "$first/cpu/host=a.lp"
expect_failure 'Read-only file system' touch "$first/cpu/host=new.lp"
expect_failure 'Read-only file system' cp "$work/first.lp" "$first/cpu/host=a.lp"
expect_failure 'Read-only file system' mkdir "$first/disk"
expect_failure 'Read-only file system' mkdir "$mnt/t/.changes/x"
expect_failure 'Read-only file system' rm -f "$first/cpu/host=a.lp"
expect_failure 'Read-only file system' mv "$first/cpu/host=a.lp" "$first/cpu/host=z.lp"
expect_failure 'Read-only file system' setfattr -n user.ots.attr.x -v y "$first/cpu/host=a.lp"
expect_equal "$(stat -c %a "$first" "$first/cpu" "$first/cpu/host=a.lp" | xargs)" '555 555 444' 'modes'
expect_equal "$(ls -A "$mnt/t")" $'cpu\nmem' 'hidden names are not listed'

# The whole hours are listed: the one in which the table was made, once it is over.
for hour in "$mnt/t/.changes"/*Z; do
    [ "$hour" = "$mnt/t/.changes/*Z" ] || ls "$hour" >/dev/null || fail "$hour is listed"
done

unread=$(window "$((marks[0] - 2))" "${marks[1]}")
set_faults '{"rules": [{"action": "GetStreamRecord", "code": "OTSTrimmedDataAccess", "message": "gone"}]}'
expect_failure 'No data available' ls "$unread"
set_faults '{"rules": [{"action": "GetStreamRecord", "code": "OTSNoPermissionAccess"}]}'
expect_failure 'Permission denied' ls "$unread"
set_faults '{"rules": [{"action": "ListStream", "code": "OTSNoPermissionAccess"}]}'
sleep 1.1
expect_failure 'Permission denied' ls "$unread"
reset_faults
sleep 1.1
expect_same "$unread/cpu/host=a.lp" "$work/first.lp"
mount_otsfs "local:$work/data" "$work/off" -o stream=off
expect_failure 'Permission denied' ls "$work/off/t/.changes/$part"
unmount_otsfs "$work/off"

# --- precision ------------------------------------------------------------------------------------

mount_otsfs "local:$work/data" "$work/coarse" -o precision=s,settle=1
expect_same "$work/coarse/t/.changes/$part/cpu/host=a.lp" <(sed 's/0\{9\}$//' "$work/first.lp")
mark
printf 'cpu,host=p n=%di %d\n' 1 1000000000 2 1500000000 3 2000000000 >"$mnt/t/cpu/host=p.lp"
mark
unit=$work/coarse/t/.changes/$(basename "$(window "${marks[4]}" "${marks[5]}")")
wait_until is_complete "$unit"
expect_equal "$(stat -c %s "$unit/cpu/host=p.lp")" 54 'size of three lines'
expect_failure 'Input/output error' cat "$unit/cpu/host=p.lp"
expect_equal "$(head -c 18 "$unit/cpu/host=p.lp")" 'cpu,host=p n=1i 1' 'the line before'
unmount_otsfs "$work/coarse"

# --- a big window ---------------------------------------------------------------------------------

# 100,000 rows, 60 MB, in 500 timelines.
mark
python3 - "$work/big" <<'END'
import os, sys
fill = "x" * 500
os.makedirs(sys.argv[1])
for i in range(500):
    with open(f"{sys.argv[1]}/host={i}.lp", "w", encoding="utf-8") as file:
        for row in range(200):
            file.write(f'big,host={i} n={row}i,text="{fill}" {1700000000 + row}000000000\n')
END
mkdir "$mnt/t/big"
cp -rT "$work/big" "$mnt/t/big"
mark
big=$(basename "$(window "${marks[6]}" "${marks[7]}")")
mount_otsfs "local:$work/data" "$work/fresh" -o settle=1
memory() {
    awk -v what="^$1" '$0 ~ what { print $2 }' "/proc/$(processes_of "$otsfs" "$work/fresh")/status"
}
wait_until is_complete "$work/fresh/t/.changes/$big"
before=$(memory VmRSS)
count_from "$work/data"
diff -r "$work/fresh/t/.changes/$big/big" "$work/big" || fail 'the big window differs'
# One of each shard.
expect_counted "$work/data" 3 GetShardIterator
expect_counted "$work/data" 0 ScanTimeseriesData GetTimeseriesData SplitTimeseriesScanTask
expect_counted "$work/data" 110000 GetStreamRecord.rows_out
peak=$(memory VmHWM)
[ "$peak" -lt $((before + 60000)) ] || fail "memory grew from $before to $peak KB"
