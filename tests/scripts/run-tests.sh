#!/usr/bin/env bash
# scripts/run-tests counts what passed, failed and was skipped, and fails when anything failed.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS COUNTS TEST...
expect() {
    local status=$1 counts=$2 got=0
    shift 2
    "$top/scripts/run-tests" --log "$work/log" --jobs 2 --timeout 20 "$@" >"$work/out" 2>&1 || got=$?
    if [ "$got" != "$status" ] || [ "$(tail -n 1 "$work/out")" != "$counts" ]; then
        echo "wanted status $status and \"$counts\", got status $got and:"
        cat "$work/out"
        exit 1
    fi
}

cmocka() { # PASSED FAILED SKIPPED, as cmocka closes a group
    echo "echo '[==========] group: Running $(($1 + $2 + $3)) test(s).'; \
        echo '[  PASSED  ] $1 test(s).'; echo '[  SKIPPED ] $3 test(s), listed below:'; \
        echo '[  FAILED  ] $2 test(s), listed below:'; exit $2"
}

expect 0 '2 passed, 0 failed, 0 skipped' 'a=true' 'b=true'
expect 1 '1 passed, 1 failed, 0 skipped' 'a=true' 'b=false'
expect 0 '1 passed, 0 failed, 1 skipped' 'a=true' 'b=exit 77'
expect 1 '0 passed, 1 failed, 0 skipped' "a=kill -SEGV \$\$"
expect 1 '0 passed, 1 failed, 0 skipped' "$work/there-is-no-such-program"
expect 1 '0 passed, 0 failed, 0 skipped'
expect 1 '4 passed, 1 failed, 2 skipped' "a=$(cmocka 4 1 2)"
expect 0 '8 passed, 0 failed, 0 skipped' "a=$(cmocka 3 0 0)" "b=$(cmocka 5 0 0)"
expect 0 '5 passed, 0 failed, 1 skipped' "a=echo 5 passed, 0 failed, 1 skipped"
# A count that looks well does not hide a bad exit status.
expect 1 '5 passed, 1 failed, 0 skipped' "a=echo 5 passed, 0 failed, 0 skipped; exit 3"
# Nothing on standard input, and the build's folder in the environment.
expect 0 '1 passed, 0 failed, 0 skipped' "a=test -z \"\$(cat)\" && test -n \"\$OTS_BUILD\""

expect 1 '0 passed, 1 failed, 0 skipped' 'a/deep/label=echo what it said; exit 1'
grep -q 'what it said' "$work/out" || { echo 'the output of a failed test is not shown' && exit 1; }
grep -q 'what it said' "$work/log/a/deep/label.log" || { echo 'no log' && exit 1; }

# A test that hangs is ended, what it started too, after its own trap.
cat >"$work/hangs" <<HANGS
#!/bin/sh
trap 'echo cleaned >$work/cleaned; exit 0' TERM
sleep 1000 &
echo \$! >$work/child
wait
HANGS
chmod +x "$work/hangs"
"$top/scripts/run-tests" --log "$work/log" --timeout 0.5 "$work/hangs" >"$work/out" && exit 1
grep -q 'stopped after 0.5 s' "$work/out"
test -s "$work/cleaned"
child=$(cat "$work/child")
if [ -d "/proc/$child" ] && ! grep -q '^State:.*Z' "/proc/$child/status"; then
    echo 'a process of the stopped test is still there'
    exit 1
fi
