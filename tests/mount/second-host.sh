#!/usr/bin/env bash
# Two hosts, each with a state of its own, write the same table: each notices what the other one
# changed, by size, time and text, and neither takes its own rows for the other's.
# SEMANTICS 3.1, 3.2, 4 (mtime).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
mount_other "local:$work/data" -o poll=0.2
plain_table "$work/plain" 4 40
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
table=$work/mnt/t

# has_changed FILE MTIME
has_changed() {
    [ "$(mtime "$1")" != "$2" ]
}
# changes_to FILE MTIME: it does so soon.
changes_to() {
    wait_for_output "$2" mtime "$1"
}

# --- times that a tool sets stay, until somebody else changes the timeline ----------------------------
set_time=1577836800.123456789
for host in 0 1 2 3; do
    touch -d "@$set_time" "$table/mem/host=h$host.lp"
done
lines mem,host=h0 5 100 >>"$table/mem/host=h0.lp"
touch -d "@$set_time" "$table/mem/host=h0.lp"
sync "$table"
wait_for_polls "$work/mnt"
expect_equal "$(mtime "$table/mem/host=h0.lp")" "$set_time" 'time after our own rows came back'

# A correction that keeps the length, and rows behind the last one.
from=$(now)
lines mem,host=h1 3 10 | sed 's/ok/no/' | other_writes t/mem/host=h1.lp
lines mem,host=h2 3 40 | other_writes t/mem/host=h2.lp
to=$(now)
for host in 1 2; do
    wait_until has_changed "$table/mem/host=h$host.lp" "$set_time"
    changed_between "$table/mem/host=h$host.lp" "$from" "$to"
done
expect_equal "$(mtime "$table/mem/host=h3.lp")" "$set_time" 'time of what nobody changed'
expect_equal "$(stat -c %s "$table/mem/host=h1.lp")" "$(stat -c %s "$work/plain/mem/host=h1.lp")" 'size after a correction'
grep -c 'state="no' "$table/mem/host=h1.lp" >"$work/count" || true
expect_equal "$(cat "$work/count")" 3 'corrected rows'

# Time goes on, also from one that lies ahead.
touch -d @4102444800 "$table/mem/host=h3.lp"
lines mem,host=h3 1 40 | other_writes t/mem/host=h3.lp
changes_to "$table/mem/host=h3.lp" 4102444800.000000001
lines mem,host=h3 1 2 | sed 's/ok/up/' | other_writes t/mem/host=h3.lp
changes_to "$table/mem/host=h3.lp" 4102444800.000000002

# A new timeline has its newest row's time, and then that of a change.
lines mem,host=new 3 | other_writes t/mem/host=new.lp
wait_until test -e "$table/mem/host=new.lp"
expect_equal "$(mtime "$table/mem/host=new.lp")" 1700000002.000000000 'time of a new timeline'
from=$(now)
lines mem,host=new 1 3 | other_writes t/mem/host=new.lp
wait_until has_changed "$table/mem/host=new.lp" 1700000002.000000000
changed_between "$table/mem/host=new.lp" "$from" "$(now)"

# --- both at once ------------------------------------------------------------------------------------
# write MOUNT WHO: rows of its own, rows that both put with other values, late ones, new timelines.
write() {
    local turn host
    for turn in $(seq 0 39); do
        for host in 0 1; do
            {
                lines "cpu,host=$host" 1 $((2000 + 2 * turn + ($2 == 1)))
                lines "cpu,host=$host" 2 100 | sed "s/ok/$2$turn/"
                lines "cpu,host=$host" 1 "$turn" | sed "s/000000000\$/${2}00000000/"
            } >>"$1/t/cpu/host=$host.lp" || return
        done
        lines "cpu,host=of-$2-$turn" 2 >>"$1/t/cpu/host=of-$2-$turn.lp" || return
    done
}
write "$other" 1 &
pid=$!
lib_pids+=("$pid")
write "$work/mnt" 2 || fail 'writing'
wait "$pid" || fail 'the other one writing'
sync "$other/t"
sync "$table"
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
expect_equal "$(find "$table/cpu" -name 'host=of-*' | wc -l)" 80 'new timelines'
expect_equal "$(wc -l <"$table/cpu/host=0.lp")" $((80 + 2 + 80)) 'rows of both'

# --- all of it is there after mounting anew ----------------------------------------------------------
picture() {
    find "$table" -type f -printf '%P %s %T@\n' | sort
}
picture >"$work/before"
unmount_otsfs "$work/mnt"
touched=$(mtime "$other/t/cpu/host=of-1-7.lp")
lines cpu,host=of-1-7 1 5 | other_writes t/cpu/host=of-1-7.lp
mount_otsfs "local:$work/data" "$work/mnt"
picture >"$work/after"
[ "$(mtime "$table/cpu/host=of-1-7.lp")" != "$touched" ] || fail 'a change while it was unmounted'
expect_same <(grep -v host=of-1-7 "$work/before") <(grep -v host=of-1-7 "$work/after")
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
