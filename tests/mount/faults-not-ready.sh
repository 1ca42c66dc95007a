#!/usr/bin/env bash
# A table that is not ready for some seconds after its creation: mkdir or the first write waits.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin --faults <(echo '{"table_not_ready_s": 2}')
mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 2 5
cp -r "$work/plain" "$work/mnt/t" || fail 'cp into a new table'
sync "$work/mnt/t" || fail 'sync of a new table'
refused=0
for action in PutTimeseriesData GetTimeseriesData QueryTimeseriesMeta ScanTimeseriesData SplitTimeseriesScanTask; do
    refused=$((refused + $(counter "$action" OTSTableNotReady)))
done
[ "$refused" -ge 1 ] || fail 'the table was ready at once'
diff -r "$work/plain" "$work/mnt/t" || fail 'not equal'
