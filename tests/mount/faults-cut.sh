#!/usr/bin/env bash
# The connection is lost before the work, after it or inside an answer: every row is there once.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 20 25

for cut in '"before"' '"after"' 0; do
    name=t${cut//\"/}
    set_faults "{\"rules\": [{\"action\": \"PutTimeseriesData\", \"nth\": 1, \"every\": 3, \"times\": 2,
        \"cut\": $cut}]}"
    cp -r "$work/plain" "$work/mnt/$name" || fail "cp, cut $cut"
    sync "$work/mnt/$name" || fail "sync, cut $cut"
    [ "$(hits 0)" -ge 1 ] || fail "nothing was cut $cut"
    reset_faults
    diff -r "$work/plain" "$work/mnt/$name" || fail "not equal after cuts $cut"
done

# Reading: a page that breaks off is asked for again.
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
set_faults '{"rules": [{"action": "GetTimeseriesData", "every": 2, "times": 10, "cut": 100},
    {"action": "ScanTimeseriesData", "every": 2, "times": 10, "cut": 100},
    {"action": "QueryTimeseriesMeta", "nth": 1, "cut": 20}]}'
diff -r "$work/plain" "$work/mnt/tafter" || fail 'not equal when answers break off'
[ $(($(hits 0) + $(hits 1) + $(hits 2))) -ge 1 ] || fail 'no answer broke off'
