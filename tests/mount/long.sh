#!/usr/bin/env bash
# Timelines of many pages, and of more text than is kept in memory.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

export TMPDIR=$work/spool
mkdir "$TMPDIR"
mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"

# Just around a page of 5,000 rows, and several of them.
for count in 4999 5000 5001 10000 12345; do
    lines "m,n=$count" "$count" >"$work/plain"
    cp "$work/plain" "$work/mnt/t/m/n=$count.lp"
    size=$(stat -c %s "$work/mnt/t/m/n=$count.lp")
    expect_equal "$size" "$(stat -c %s "$work/plain")" "size of $count rows"
    expect_same "$work/mnt/t/m/n=$count.lp" "$work/plain"
    expect_equal "$(tail -n 1 "$work/mnt/t/m/n=$count.lp")" "$(tail -n 1 "$work/plain")" 'tail'
done

# About 18 MB.
lines 'm,n=big' 250000 >"$work/plain"
[ "$(stat -c %s "$work/plain")" -gt $((12 * 1024 * 1024)) ] || fail 'too small for this test'
cp "$work/plain" "$work/mnt/t/m/n=big.lp"
expect_equal "$(stat -c %s "$work/mnt/t/m/n=big.lp")" "$(stat -c %s "$work/plain")" 'size'
expect_same "$work/mnt/t/m/n=big.lp" "$work/plain"
for skip in 0 17 5 11 1 14; do
    dd if="$work/mnt/t/m/n=big.lp" bs=1000003 skip=$skip count=1 status=none >"$work/part"
    expect_same "$work/part" <(dd if="$work/plain" bs=1000003 skip=$skip count=1 status=none)
done
expect_equal "$(wc -l <"$work/mnt/t/m/n=big.lp")" 250000 'lines'
expect_equal "$(ls -A "$TMPDIR")" '' 'left in the temporary folder'
