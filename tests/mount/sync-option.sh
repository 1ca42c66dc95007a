#!/usr/bin/env bash
# With -o sync a close waits until the service has the rows, and tells what it refused.
# SEMANTICS 6.1 flush.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt" -o sync
mkdir "$work/mnt/t" "$work/mnt/t/m"
reset_faults
set_faults '{"rules": [{"action": "PutTimeseriesData", "delay_ms": 700}]}'
lines m,host=a 5 >"$work/mnt/t/m/host=a.lp"
expect_equal "$(counter PutTimeseriesData rows_in)" 5 'rows at the service after close'
lines m,host=b 5 >"$work/plain.lp"
mv "$work/plain.lp" "$work/mnt/t/m/host=b.lp"
expect_equal "$(counter PutTimeseriesData rows_in)" 10 'rows at the service after mv'

set_faults '{"rules": [{"action": "PutTimeseriesData", "failed_rows": 1, "code": "OTSParameterInvalid"}]}'
lines m,host=c 5 >"$work/plain.lp"
expect_failure 'Input/output error' cp "$work/plain.lp" "$work/mnt/t/m/host=c.lp"
reset_faults
cp "$work/plain.lp" "$work/mnt/t/m/host=c.lp" || fail 'told twice'
expect_same "$work/mnt/t/m/host=c.lp" "$work/plain.lp"
