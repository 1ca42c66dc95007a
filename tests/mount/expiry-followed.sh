#!/usr/bin/env bash
# Rows expire under a mount that follows the table: sizes and listings stay exact, only the rows that
# expire are asked for, and after a longer time the table is scanned anew. Times do not change by it.
# SEMANTICS 3.5.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
set_faults '{"clock_offset_s": -800}'
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
mount_other "local:$work/data" -o poll=0.2
table=$work/mnt/t
mkdir "$table" "$table/m"

# rows HOST AFTER...: some that are hidden so many seconds later by the service's clock, which is ten
# minutes before they expire, at a full minute. None is near to that when it is looked at.
day=86400
start=$((($(date +%s) - 800) / 60 * 60))
rows() {
    local host=$1 after
    shift
    for after; do
        echo "m,host=$host v=${after}i $((start - day + 600 + after))500000000"
    done
}
for host in $(seq 20); do
    rows "$host" 250 800 $((1200 + host)) 80000 >"$table/m/host=$host.lp"
done
rows gone 230 240 >"$table/m/host=gone.lp"
rows later 790 1250 >"$table/m/host=later.lp"
awk -v first=$((start - day + 600)) 'BEGIN {
    for (i = 0; i < 3000; i++) printf "m,host=many v=%di %d000000000\n", i, first + (i < 10 ? 200 + i : 30000 + i)
}' >"$table/m/host=many.lp"
sync "$table"
python3 -c 'import os, sys
os.setxattr(sys.argv[1], "user.ots.options", b"{\"time_to_live\": 86400}")' "$table"
find "$table" -type f -exec touch -d 2020-02-02T02:02:02.123456789Z {} +

rows_shown() {
    find "$table" -name '*.lp' -exec cat {} + | wc -l
}
agree() {
    agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
}
# size_is AFTER...: that of a file of such rows.
size_is() {
    [ "$(stat -c %s "$table/m/host=1.lp")" = "$(rows 1 "$@" | wc -c)" ]
}
all=$((20 * 4 + 2 + 2 + 3000))
agree
expect_equal "$(rows_shown)" $all 'rows at first'

# Eight minutes on. Sizes are exact, and only what expired was read for them: 20 rows, 2 and 10.
count_from "$work/data"
set_faults '{"clock_offset_s": -320}'
wait_until size_is 800 1201 80000
ls -lR "$table" >"$work/listed"
rows_read=$(counted_since "$work/data" rows_read)
[ "$rows_read" -le $((2 * 32)) ] || fail "$rows_read rows were read for 32 that expired, in two mounts"
expect_equal "$(rows_shown)" $((all - 32)) 'rows after eight minutes'
agree
expect_equal "$(mtime "$table/m/host=1.lp")" 1580608922.123456789 'time of a file whose rows expire'

# A row that is hidden at once, and others.
rows many 250 | other_writes t/m/host=many.lp
rows later 50000 | other_writes t/m/host=later.lp
rows 5 40000 >>"$table/m/host=5.lp"
sync "$table"
all=$((all - 32 + 2))
agree
expect_equal "$(rows_shown)" $all 'rows after others'

# Unmounted meanwhile.
unmount_otsfs "$work/mnt"
set_faults '{"clock_offset_s": 200}'
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
size_is 1201 80000 || fail 'size after mounting anew'
all=$((all - 21))
agree
expect_equal "$(rows_shown)" $all 'rows after mounting anew'
expect_equal "$(mtime "$table/m/host=1.lp")" 1580608922.123456789 'time after mounting anew'

# More than nine minutes without the service: all of it is learned anew.
set_faults '{"clock_offset_s": 800}'
wait_until size_is 80000
agree
expect_equal "$(rows_shown)" $((all - 21)) 'rows in the end'
expect_equal "$(mtime "$table/m/host=1.lp")" 1580608922.123456789 'time in the end'
