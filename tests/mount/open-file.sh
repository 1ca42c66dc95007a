#!/usr/bin/env bash
# A file that is open shows what was there when it was opened, and rows that come behind the last
# one; nothing of a row that is changed.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"
file=$work/mnt/t/m/host=a.lp
lines m,host=a 100 >"$work/first"
cp "$work/first" "$file"
exec 5<"$file"
head -c 10 <&5 >"$work/seen"
lines m,host=a 50 100 >>"$file"
lines m,host=a 150 >"$work/both"
expect_same "$file" "$work/both"
cat <&5 >>"$work/seen"
exec 5<&-
expect_same "$work/seen" "$work/both"

exec 5<"$file"
echo 'm,host=a busy=1 1700000010000000000' >>"$file"
lines m,host=a 10 150 >>"$file"
expect_equal "$(wc -l <"$file")" 160 'lines'
cat <&5 >"$work/seen"
exec 5<&-
expect_same "$work/seen" "$work/both"
expect_equal "$(grep -c 'busy=1 ' "$file")" 1 'the changed row'

# A long timeline: what was fetched, and beyond that ESTALE.
lines m,host=b 30000 >"$work/long"
cp "$work/long" "$work/mnt/t/m/host=b.lp"
exec 5<"$work/mnt/t/m/host=b.lp"
head -c 1000 <&5 >"$work/seen"
echo 'm,host=b busy=1 1700020000000000000' >>"$work/mnt/t/m/host=b.lp"
expect_failure 'Stale file handle' cat <&5
exec 5<&-
expect_same "$work/seen" <(head -c 1000 "$work/long")
expect_equal "$(wc -l <"$work/mnt/t/m/host=b.lp")" 30000 'lines of the long one'
