#!/usr/bin/env bash
# How many puts a copy of many small timelines takes: batches are full, but for those that went out
# because the copy was slow.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 1000 2
rows=4000

reset_faults
start=$SECONDS
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
expect_equal "$(counter PutTimeseriesData rows_in)" "$rows" 'rows that were put'
puts=$(counter PutTimeseriesData calls)
[ "$puts" -le $((rows * 11 / 2000 + SECONDS - start)) ] || fail "$puts puts for $rows rows"
