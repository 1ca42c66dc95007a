#!/usr/bin/env bash
# otsfs stays under 200 MB while much text passes through in each direction: one long timeline, many
# small ones, and rows of a megabyte.
#   memory.sh [MEGABYTES]     of text, in each direction; 64 without it
# SEMANTICS 5 read; 6.1 write.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
megabytes=${1:-64}
limit_kb=204800
# Much text takes its time, sync at the end most of all.
lib_wait_s=$((60 + megabytes))

# A third of the text each: few long timelines of small rows, small timelines, fat rows.
python3 - "$work/plain" "$megabytes" <<'PYTHON'
import os
import sys

root, megabytes = sys.argv[1], int(sys.argv[2])
third = megabytes * 2**20 // 3


def write(measurement, name, rows):
    os.makedirs(f"{root}/{measurement}", exist_ok=True)
    with open(f"{root}/{measurement}/host={name}.lp", "w", encoding="utf-8") as file:
        file.writelines(f"{measurement},host={name} {fields} {time}000\n" for time, fields in rows)


def small(count):
    return ((1700000000000000 + at * 10**6, f'busy={at % 97}.25,n={at}i,state="ok {at}"')
            for at in range(count))


ROW = 75
for number in range(2):
    write("long", number, small(third // 2 // ROW))
for number in range(third // ROW // 200):
    write("small", number, small(200))
FAT = 2**20
fat = "".join(chr(97 + at % 26) for at in range(FAT))
write("fat", 0, ((1700000000000000 + at, f'text="{at} {fat}"') for at in range(third // FAT)))
PYTHON
bytes=$(find "$work/plain" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum / 1048576 }')
[ "$bytes" -ge $((megabytes * 9 / 10)) ] || fail "only $bytes MB of text"

# check_memory DIRECTION: the most that the mount's process ever had.
check_memory() {
    local kb
    kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$(processes_of "$otsfs" "$work/mnt")/status")
    echo "$1: $bytes MB of text, at most $((kb / 1024)) MB of memory, after $SECONDS s"
    [ "$kb" -lt "$limit_kb" ] || fail "$1 took $kb KB of memory"
}

mount_otsfs "local:$work/data" "$work/mnt"
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
check_memory writing
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
diff -rq "$work/plain" "$work/mnt/t"
check_memory reading
