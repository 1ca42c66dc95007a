#!/usr/bin/env bash
# A service that takes its time holds up who waits for it and nobody else, and who waits may be
# interrupted.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
plain_table "$work/plain" 3 5
mount_otsfs "local:$work/data" "$work/mnt"
cp -r "$work/plain" "$work/mnt/t"
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"

set_faults '{"rules": [{"action": "GetTimeseriesData", "times": 8, "delay_ms": 30000}]}'
start=$SECONDS
cat "$work/mnt/t/cpu/_data_source=web-0,az=b.lp" >"$work/out" &
reader=$!
waits() {
    [ "$(hits 0)" -ge 1 ]
}
wait_until waits
cp -r "$work/plain" "$work/mnt/u" || fail 'cp beside a slow reader'
sync "$work/mnt/u" || fail 'sync beside a slow reader'
expect_equal "$(counter PutTimeseriesData rows_in)" 60 'rows of both tables'
kill "$reader"
wait "$reader" && fail 'it was not interrupted'
[ $((SECONDS - start)) -lt 30 ] || fail 'the interrupt came late'
