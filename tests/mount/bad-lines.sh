#!/usr/bin/env bash
# A line that is no row fails the tool, and every other line is stored.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"
file=$work/mnt/t/m/host=a.lp

{
    lines 'm,host=a' 500
    echo 'm,host=a v=nonsense 1000'
    echo 'm,host=b v=1i 1000'
    echo 'other,host=a v=1i 1000'
    echo 'm,host=a Upper=1i 1000'
    echo 'm,host=a v=1i -1000'
    lines 'm,host=a' 500 500
} >"$work/plain.lp"
expect_failure 'Invalid argument' cp "$work/plain.lp" "$file"
expect_same "$file" <(lines 'm,host=a' 1000)
expect_equal "$(ls "$work/mnt/t")" m 'measurements'
expect_equal "$(ls "$work/mnt/t/m")" host=a.lp 'timelines'

# Once told it is told: the next close says nothing of them.
lines 'm,host=a' 10 1000 >>"$file" || fail 'append'
lines 'm,host=a' 1010 >"$work/good.lp"
cp "$work/good.lp" "$file" || fail 'a good file after a bad one'
expect_same "$file" "$work/good.lp"

# A last line without its end is not taken.
printf 'm,host=c v=1i 1000\nm,host=c v=2i 2000' >"$work/cut.lp"
expect_failure 'Invalid argument' cp "$work/cut.lp" "$work/mnt/t/m/host=c.lp"
expect_equal "$(cat "$work/mnt/t/m/host=c.lp")" 'm,host=c v=1i 1000' 'a line without its end'

# Bytes of another kind altogether: not endlessly.
expect_failure 'Invalid argument' cp "$otsfs" "$work/mnt/t/m/host=d.lp"
expect_equal "$(stat -c %s "$work/mnt/t/m/host=d.lp")" 0 'rows in a program'
expect_failure 'Invalid argument' cp "$top/LICENSE" "$work/mnt/t/m/host=e.lp"
