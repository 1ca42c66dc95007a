#!/usr/bin/env bash
# The thread that reads requests is bound to the processor of a tool that works alone, and free beside
# several; no other thread ever is. ARCHITECTURE, threads.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# processors FOLDER: which the process or thread of a folder of proc may use.
processors() {
    awk '/^Cpus_allowed_list:/ { print $2 }' "$1/status"
}
all=$(processors /proc/self)

# bound MOUNTPOINT: how many of the mount's threads may use less.
bound() {
    local pid task count=0
    pid=$(processes_of "$otsfs" "$1")
    for task in /proc/"$pid"/task/*; do
        [ "$(processors "$task" 2>/dev/null || echo "$all")" = "$all" ] || count=$((count + 1))
    done
    echo "$count"
}

start_otslocal "$work/a"
mount_otsfs "local:$work/a" "$work/mnt"
mkdir "$work/mnt/t"
awk 'BEGIN { for (i = 0; i < 3000; i++) printf "cpu,host=h%04d busy=1 %d000000000\n", i % 600, 1700000000 + i }' >"$work/mnt/t/.write"
sync "$work/mnt/t"
expect_equal "$(bound "$work/mnt")" 0
grep -rF none-of-them "$work/mnt/t" || true
expect_equal "$(bound "$work/mnt")" "$([[ $all =~ ^[0-9]+$ ]] && echo 0 || echo 1)"
cat "$work/mnt/t/cpu/host=h0000.lp" >/dev/null
expect_equal "$(bound "$work/mnt")" 0

# Threads that start later may use all processors: a walk's scan, a table's follower.
mkdir "$work/mnt/u"
cp -r "$work/mnt/t/cpu" "$work/mnt/u"
find "$work/mnt/u" -type f -exec setfattr -n user.ots.attr.color -v red {} +
[ "$(bound "$work/mnt")" -le 1 ] || fail "threads are bound"
diff -r "$work/mnt/t/cpu" "$work/mnt/u/cpu"
unmount_otsfs "$work/mnt"

# What the process may not use it does not use.
one=${all%%[-,]*}
taskset -cp "$one" $$ >/dev/null
all=$one
mount_otsfs "local:$work/a" "$work/mnt"
grep -rF none-of-them "$work/mnt/t" || true
expect_equal "$(bound "$work/mnt")" 0
unmount_otsfs "$work/mnt"
