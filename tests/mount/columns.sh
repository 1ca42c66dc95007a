#!/usr/bin/env bash
# A file as influx_inspect export writes it, all times of one field and then all of the next: rows
# are merged, and reading them back does not take a request for each.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"

awk 'BEGIN {
    for (field = 1; field <= 3; field++)
        for (i = 0; i < 20000; i++)
            printf "m,host=a f%d=%di %d000000000\n", field, field * i, 1700000000 + i
}' >"$work/columns.lp"
awk 'BEGIN {
    for (i = 0; i < 20000; i++)
        printf "m,host=a f1=%di,f2=%di,f3=%di %d000000000\n", i, 2 * i, 3 * i, 1700000000 + i
}' >"$work/rows.lp"

reset_faults
cp "$work/columns.lp" "$work/mnt/t/m/host=a.lp"
sync "$work/mnt/t"
gets=$(counter GetTimeseriesData calls)
[ "$gets" -le 30 ] || fail "$gets reads for 40000 rows that were there"
expect_same "$work/mnt/t/m/host=a.lp" "$work/rows.lp"

# The same through a temporary name.
mkdir "$work/mnt/u" "$work/mnt/u/m"
cp "$work/columns.lp" "$work/mnt/u/m/staged"
mv "$work/mnt/u/m/staged" "$work/mnt/u/m/host=a.lp"
expect_same "$work/mnt/u/m/host=a.lp" "$work/rows.lp"
