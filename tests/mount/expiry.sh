#!/usr/bin/env bash
# A table whose rows expire: rows are hidden ten minutes before, by the service's clock, in sizes, text
# and views alike.
# SEMANTICS 3: rows that expire.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
table=$work/mnt/t
mkdir "$table" "$table/m"
file=$table/m/_.lp

# line AGE: a row that is so many seconds old.
now=$(date +%s)
line() {
    echo "m age=$1i $((now - $1))000000000"
}
# Around the edge, a day less ten minutes, and whole pages behind it.
day=86400
edge=$((day - 600))
for age in $((day - 60)) $((edge + 120)) $((edge - 120)) $((edge - 3600)) 100; do
    line "$age"
done >"$work/all"
cp "$work/all" "$file"
awk -v now="$now" 'BEGIN {
    for (i = 0; i < 20000; i++) printf "m,n=long i=%di %d000000000\n", i, now - 86400 + 120 + i
}' >"$work/long"
cp "$work/long" "$table/m/n=long.lp"
sync "$table"
expect_equal "$(cat "$file")" "$(cat "$work/all")" 'without a time to live'

python3 -c 'import os, sys
os.setxattr(sys.argv[1], "user.ots.options", b"{\"time_to_live\": 86400}")' "$table"
shows() { # shows FIRST-LINE
    tail -n "+$1" "$work/all" >"$work/wanted"
    cmp -s "$file" "$work/wanted" && [ "$(stat -c %s "$file")" = "$(stat -c %s "$work/wanted")" ]
}
wait_until shows 3
[ "$(grep -c . "$table/.range/20000101000000-20500101000000/m/_.lp")" = 3 ] || fail 'a view shows others'

# Five minutes later by the service's clock, which a new mount learns at once: the third row is past the
# edge, and so are the first ones of the long timeline.
before=$(stat -c %s "$table/m/n=long.lp")
set_faults '{"clock_offset_s": 300}'
mount_otsfs "local:$work/data" "$work/later"
file=$work/later/t/m/_.lp long=$work/later/t/m/n=long.lp
wait_until shows 4
[ "$(stat -c %s "$long")" -lt "$before" ] || fail 'no row of the long timeline went'
expect_equal "$(wc -c <"$long")" "$(stat -c %s "$long")" 'size and text'
expect_same <(tail -n 5000 "$long") <(tail -n 5000 "$work/long")
expect_same "$long" <(tail -n "$(wc -l <"$long")" "$work/long")
