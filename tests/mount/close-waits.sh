#!/usr/bin/env bash
# With -o sync a close waits until the service has acknowledged the rows.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt" -o sync
mkdir "$work/mnt/t" "$work/mnt/t/m"

reset_faults
for i in 1 2 3; do
    lines "m,host=$i" 10 >"$work/mnt/t/m/host=$i.lp"
    expect_equal "$(counter PutTimeseriesData rows_in)" $((i * 10)) 'rows after a close'
done
lines 'm,host=4' 10 >"$work/mnt/t/.write"
expect_equal "$(counter PutTimeseriesData rows_in)" 40 'rows after a close of .write'
lines 'm,host=5' 10 >"$work/mnt/t/m/staged"
mv "$work/mnt/t/m/staged" "$work/mnt/t/m/host=5.lp"
expect_equal "$(counter PutTimeseriesData rows_in)" 50 'rows after a rename'

# Cutting a file deletes no rows; the errors say so, once for the table.
: >"$work/mnt/t/m/host=1.lp"
: >"$work/mnt/t/m/host=2.lp"
expect_same "$work/mnt/t/m/host=1.lp" <(lines 'm,host=1' 10)
expect_equal "$(grep -c 'without effect' "$work/mnt/.otsfs/errors")" 1 'what the errors say of cutting'
