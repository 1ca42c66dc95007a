#!/usr/bin/env bash
# The kernel keeps the attributes and names of a followed table's timelines, and is told when others
# change, make or hide them, and when this mount does by another name.
# SEMANTICS 3.2: kernel caches are invalidated.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data"
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
mount_other "local:$work/data"
table=$work/mnt/t
mkdir "$table" "$table/m"

now=$(date +%s)
# line HOST VALUE AGE: a row that is so many seconds old.
line() {
    echo "m,host=$1 v=$2i $((now - $3))000000000"
}
name_of() {
    echo "$table/m/host=$1.lp"
}
old=$((3 * 86400))
for i in $(seq 100 199); do line "h$i" 1 1000; done >"$table/.write"
for host in gone left again; do line $host 1 $old; done >"$table/.write"
line left 1 100 >>"$(name_of left)"
sync "$table"
size=$(line h101 1 1000 | wc -c)

# ---- kept: the kernel asks for them once ---------------------------------------------------------------

# How often the daemon has read, which is once for each request of the kernel.
reads_of() {
    awk '$1 == "syscr:" { print $2 }' "/proc/$1/io" 2>/dev/null
}
stat_all() {
    stat -c %s "$table"/m/host=h*.lp >"$work/sizes"
    expect_equal "$(sort -u "$work/sizes")" "$size" 'sizes'
}
pid=$(processes_of "$otsfs" "$work/mnt")
if before=$(reads_of "$pid") && [ -n "$before" ]; then
    # What the mount wrote is kept when it was asked for once more.
    stat_all && stat_all
    before=$(reads_of "$pid")
    for _ in 1 2 3 4 5; do stat_all; done
    requests=$(($(reads_of "$pid") - before))
    [ "$requests" -lt 250 ] || fail "500 files were asked for, the kernel asked $requests times"
fi

# ---- others change a timeline --------------------------------------------------------------------------

size_is() {
    [ "$(stat -c %s "$(name_of "$1")")" = "$2" ]
}
# Processes that have the file and the directory open say what they see whenever they are asked.
mkfifo "$work/ask"
python3 -c 'import os, sys
file, folder = (os.open(path, os.O_RDONLY) for path in sys.argv[1:3])
print(flush=True)
for _ in sys.stdin:
    print(os.fstat(file).st_size, os.fstat(folder).st_mtime_ns, flush=True)' \
    "$(name_of h101)" "$table/m" <"$work/ask" >"$work/answers" &
asker=$!
exec 3>"$work/ask"
wait_until test -s "$work/answers"
ask() {
    local count
    count=$(wc -l <"$work/answers")
    echo >&3
    wait_until has_answers "$count"
    tail -n 1 "$work/answers"
}
has_answers() {
    [ "$(wc -l <"$work/answers")" -gt "$1" ]
}
read -r _ folder_time <<<"$(ask)"
ls -l "$table/m" >/dev/null
[ ! -e "$(name_of new)" ] || fail 'a timeline that is not there yet'
{ line h101 2 900 && line h101 3 800; } | other_writes "t/m/host=h101.lp"
grown=$((3 * size))
wait_until size_is h101 "$grown"
expect_equal "$(ask | cut -d ' ' -f 1)" "$grown" 'the size of an open file'
[ "$(ask | cut -d ' ' -f 2)" != "$folder_time" ] || fail 'the time of an open directory did not change'
ls -l "$table/m" >"$work/ls"
expect_equal "$(awk '$NF == "host=h101.lp" { print $5 }' "$work/ls")" "$grown" 'ls -l'
expect_equal "$(wc -l <"$(name_of h101)")" 3 'cat by name'

# In the middle, and one line in the place of another of its length.
time_of() {
    stat -c %.9Y "$(name_of "$1")"
}
changed_time() {
    [ "$(time_of h101)" != "$1" ]
}
before=$(time_of h101)
line h101 9 900 | other_writes "t/m/host=h101.lp"
wait_until changed_time "$before"
size_is h101 "$grown" || fail 'a line in the place of another of its length changed the size'
grep -qF 'v=9i' "$(name_of h101)" || fail 'the old text'
before=$(time_of h101)
line h101 4 850 | other_writes "t/m/host=h101.lp"
wait_until size_is h101 $((4 * size))

# ---- others make one that was ENOENT before ------------------------------------------------------------

line new 1 900 | other_writes "t/m/host=new.lp"
wait_until test -e "$(name_of new)"
is_listed() {
    ls "$table/m" >"$work/ls"
    grep -qxF "host=$1.lp" "$work/ls"
}
is_listed new || fail 'the new timeline is not listed'
expect_equal "$(cat "$(name_of new)")" "$(line new 1 900)" 'a new timeline'

# ---- this mount changes one by another name ------------------------------------------------------------

for i in 1 2 3 4 5 6 7 8; do
    size_is h102 $((i * size)) || fail "before write $i to .write"
    line h102 "$i" $((900 - i)) >"$table/.write"
    size_is h102 $(((i + 1) * size)) || fail "the size after write $i to .write"
    line h103 "$i" $((900 - i)) >>"$(name_of h103)"
    size_is h103 $(((i + 1) * size)) || fail "the size after write $i"
done
exec 4<"$(name_of h104)"
open_size() {
    python3 -c 'import os; print(os.fstat(4).st_size)'
}
expect_equal "$(open_size)" "$size" 'an open file'
line h104 2 900 >"$table/m/host=h104.lp.part"
touch -d '2020-01-02 03:04:05.123456789Z' "$table/m/host=h104.lp.part"
mv "$table/m/host=h104.lp.part" "$(name_of h104)"
size_is h104 $((2 * size)) || fail 'the size after a rename into place'
expect_equal "$(time_of h104)" 1577934245.123456789 'the time after a rename into place'
expect_equal "$(open_size)" $((2 * size)) 'an open file after a rename into place'
before=$(time_of h105)
: >"$(name_of h105)"
size_is h105 "$size" || fail 'cutting has changed the size'
touch -d @1234567890 "$(name_of h105)"
expect_equal "$(time_of h105)" 1234567890.000000000 'a time that was set'

# ---- timelines that vanish -----------------------------------------------------------------------------

for host in gone again; do
    size_is "$host" "$(line "$host" 1 $old | wc -c)" || fail "size of $host before they are gone"
done
left=$(stat -c %s "$(name_of left)")
python3 -c 'import os, sys
os.setxattr(sys.argv[1], "user.ots.options", b"{\"time_to_live\": 86400}")' "$other/t"
is_gone() {
    ! stat "$(name_of gone)" >/dev/null 2>&1
}
wait_until is_gone
expect_failure 'No such file' cat "$(name_of gone)"
! is_listed gone || fail 'what is gone is listed'
# Nobody has looked for this one since, so the kernel still has the name.
line again 2 100 >>"$(name_of again)"
expect_equal "$(cat "$(name_of again)")" "$(line again 2 100)" 'a timeline that was gone'
[ "$(stat -c %s "$(name_of left)")" -lt "$left" ] || fail 'a row that expired is counted'
sizes_are_exact "$table"
exec 3>&- 4<&-
wait "$asker"
