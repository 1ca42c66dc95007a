#!/usr/bin/env bash
# What a reader is told of the service's troubles once the time-out is over.
# SEMANTICS 9.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt" -o timeout=1
mkdir "$work/mnt/t" "$work/mnt/t/m"
lines m,host=a 5 >"$work/plain.lp"
cp "$work/plain.lp" "$work/mnt/t/m/host=a.lp"
sync "$work/mnt/t"
expect_same "$work/plain.lp" "$work/mnt/t/m/host=a.lp"

# An instance has so many tables and no more; the name is not to blame.
set_faults '{"rules": [{"action": "CreateTimeseriesTable", "code": "OTSQuotaExhausted", "message": "No more."}]}'
expect_failure 'Invalid argument' mkdir "$work/mnt/one-more"
expect_failure 'No space left on device' mkdir "$work/mnt/one_more"
reset_faults

# told WANTED EFFECT: what cat says while each page and each scan ends so.
told() {
    set_faults "{\"rules\": [{\"action\": \"GetTimeseriesData\", $2},
        {\"action\": \"ScanTimeseriesData\", $2}]}"
    expect_failure "$1" cat "$work/mnt/t/m/host=a.lp"
    reset_faults
}
while IFS='|' read -r wanted effect; do
    told "$wanted" "$effect"
done <<'TABLE'
Permission denied|"code": "OTSNoPermissionAccess"
Permission denied|"code": "OTSAuthFailed"
Invalid argument|"code": "OTSParameterInvalid"
Device or resource busy|"code": "OTSServerBusy"
Device or resource busy|"code": "OTSTableNotReady"
Device or resource busy|"code": "OTSRowOperationConflict"
Connection timed out|"delay_ms": 10000
Input/output error|"code": "OTSInternalServerError"
Input/output error|"cut": "after"
Input/output error|"wrong": "signature"
Input/output error|"wrong": "body"
TABLE

# Whoever waits may be interrupted.
set_faults '{"rules": [{"delay_ms": 10000}]}'
start=$SECONDS
for command in cat ls stat; do
    status=0
    timeout -s INT 0.5 "$command" "$work/mnt/t/m/host=a.lp" >/dev/null 2>&1 || status=$?
    [ "$status" != 0 ] || fail "$command did not wait"
done
[ $((SECONDS - start)) -lt 9 ] || fail "the interrupts took $((SECONDS - start)) s"
reset_faults
expect_same "$work/plain.lp" "$work/mnt/t/m/host=a.lp"
