#!/usr/bin/env bash
# scripts/demo copies a table, shows it, and leaves nothing behind, also when it is interrupted.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir "$work/tmp"
export TMPDIR=$work/tmp

# expect_nothing_left WHEN
expect_nothing_left() {
    expect_equal "$(ls "$TMPDIR")" '' "left in the temporary folder after $1"
    expect_equal "$(processes_of "$otsfs" "$TMPDIR/" && processes_of "$otslocal" "$TMPDIR/")" '' \
        "daemons left after $1"
    ! grep -F "$TMPDIR/" /proc/self/mounts || fail "mounts left after $1"
}

"$top/scripts/demo" "$build" >"$work/demo.log" 2>&1 || fail "exit status $?"
[ "$(grep -cE '^otsfs-increment: one/proc to two/proc: [1-9][0-9]* rows of 1 window ' "$work/demo.log")" = 1 ] ||
    fail 'no increment'
grep -q '^equal: [1-9][0-9]* timelines, [1-9][0-9]* rows' "$work/demo.log" || fail 'nothing was copied'
expect_nothing_left 'the demo'

# What README.md shows of it, but for this machine's names and numbers.
sed -n '/^\$ make demo/,/^```/p' "$top/README.md" | sed 1d | grep '^[$#] ' |
    grep -vE '_data_source=|[0-9]{14}Z' >"$work/shown"
[ "$(wc -l <"$work/shown")" -ge 10 ] || fail 'README.md does not show the demo'
while IFS= read -r line; do
    grep -qxF -- "$line" "$work/demo.log" || fail "README.md shows: $line"
done <"$work/shown"

# Ctrl-C in the middle of it: the signal goes to the whole group.
: >"$work/cut.log"
setsid env --default-signal=INT "$top/scripts/demo" "$build" >"$work/cut.log" 2>&1 &
demo=$!
lib_pids+=("$demo")
wait_until grep -q -F -- '$ collect-proc' "$work/cut.log"
kill -INT -- "-$demo"
status=0
wait "$demo" || status=$?
expect_equal "$status" 130 'exit status of an interrupted demo'
expect_nothing_left 'an interrupt'
