#!/usr/bin/env bash
# Admin calls: unknown without --admin; with it they set faults, count, and reset.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

ask() { # ask PATH [OPTION...]: the answer, with its status on a last line
    curl -s -w '\n%{http_code}\n' --unix-socket "$work/data/otslocal.sock" "http://localhost/$1" "${@:2}"
}

start_otslocal "$work/data"
for path in faults counters reset streams; do
    ask "otslocal/$path" -X POST >"$work/answer"
    grep -qaF "Unsupported operation: 'otslocal/$path'" "$work/answer" || fail "$path without --admin"
    expect_equal "$(ask "otslocal/$path" | tail -n 1)" 405 "GET $path without --admin"
done
stop "$otslocal_pid" || fail "exit status $?"

echo '{"rules": [{"nth": 2, "code": "OTSServerBusy"}]}' >"$work/faults.json"
start_otslocal "$work/data" --admin --faults "$work/faults.json"
expect_equal "$(ask ListTimeseriesTable -X POST | tail -n 1)" 400 'the first call, unsigned'
expect_equal "$(ask ListTimeseriesTable -X POST | tail -n 1)" 503 'the second call'
expect_equal "$(hits 0)" 1 'hits'
expect_equal "$(counter ListTimeseriesTable calls)" 2 'calls'
expect_equal "$(counter ListTimeseriesTable OTSServerBusy)" 1 'errors'
ask otslocal/faults -d '{"rules": [{"code": "Nonsense"}]}' >"$work/answer"
grep -q 'rule 0: code: Nonsense is none' "$work/answer" || fail 'no reason'
expect_equal "$(tail -n 1 "$work/answer")" 400 'status of a refused document'
expect_equal "$(hits 0)" 1 'hits after a refused document'
expect_equal "$(ask otslocal/faults -X DELETE | tail -n 1)" 405 'another method'
ask otslocal/streams -d '{"table": "none", "split": "x"}' | grep -q error || fail 'split of no table'
for hours in 0 169 1.5 '"1"' '1, "table": "t"'; do
    ask otslocal/streams -d "{\"retention_hours\": $hours}" | grep -q error || fail "retention of $hours hours"
done
expect_equal "$(ask otslocal/streams -d '{"retention_hours": 1}' | tail -n 1)" 200 'a new retention'
for body in '"table": "none", "trim_older_than_s": 0' '"table": "none", "trim_older_than_s": -1' '"trim_older_than_s": 1'; do
    ask otslocal/streams -d "{$body}" | grep -q error || fail "trimming of {$body}"
done
expect_equal "$(ask otslocal/streams | tr -d '\n')" '{}200' 'streams of no table'
set_faults '{"rules": [{"cut": "before"}]}'
expect_failure '' curl -sS --unix-socket "$work/data/otslocal.sock" -X POST http://localhost/ListTimeseriesTable
reset_faults
expect_equal "$(counter ListTimeseriesTable calls)" 0 'calls after a reset'
expect_equal "$(ask ListTimeseriesTable -X POST | tail -n 1)" 400 'a call after a reset'
stop "$otslocal_pid" || fail "exit status $?"

echo '{"rules": 1}' >"$work/faults.json"
expect_failure "$work/faults.json: rules: a list is wanted" "$otslocal" "$work/data" \
    --listen 127.0.0.1:0 --faults "$work/faults.json"
