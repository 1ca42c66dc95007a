#!/usr/bin/env bash
# A service that refuses, throttles and fails to take single rows for a while: cp succeeds, and the
# rows are all there.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 20 25

# copy_under NAME FAULTS: a table is copied while the service misbehaves, and read when it does not.
copy_under() {
    set_faults "$2"
    cp -r "$work/plain" "$work/mnt/$1" || fail "cp under $2"
    sync "$work/mnt/$1" || fail "sync under $2"
    [ "$(hits 0)" -ge 1 ] || fail "no hit of $2"
    reset_faults
    diff -r "$work/plain" "$work/mnt/$1" || fail "not equal after $2"
}
put='"action": "PutTimeseriesData"'
copy_under busy "{\"rules\": [{$put, \"times\": 3, \"code\": \"OTSServerBusy\"}]}"
copy_under quota "{\"rules\": [{$put, \"times\": 3, \"code\": \"OTSQuotaExhausted\"}]}"
copy_under rate "{\"rules\": [{$put, \"calls_per_s\": 3}]}"
copy_under timeout "{\"rules\": [{$put, \"times\": 2, \"code\": \"OTSTimeout\"}]}"
copy_under rows "{\"rules\": [{$put, \"times\": 2, \"failed_rows\": [0, 3, 7]}]}"
copy_under every "{\"rules\": [{\"every\": 5, \"code\": \"OTSPartitionUnavailable\"}]}"
