#!/usr/bin/env bash
# otsfs-follow keeps a copy in step, goes on where it ended, and outlives a mount that is gone for a while.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
PATH=$top/scripts:$PATH

mount_otsfs "local:$work/data" "$work/one"
mount_otsfs "local:$work/copy" "$work/two"
mount_other "local:$work/data"
mkdir "$other/t"
lines cpu,host=a 100 | other_writes t/cpu/host=a.lp

# start_following: sets follow_pid.
start_following() {
    env --default-signal=INT "$top/scripts/otsfs-follow" "$work/one/t" "$work/two/t" >"$work/out" 2>"$work/err" &
    follow_pid=$!
    lib_pids+=("$follow_pid")
}
in_step() {
    kill -0 "$follow_pid" 2>/dev/null || fail "it ended: $(cat "$work/out" "$work/err")"
    diff -r "$other/t" "$work/two/t" >"$work/diff" 2>&1
}
# end_following SIGNAL STATUS
end_following() {
    local status=0
    kill -s "$1" "$follow_pid"
    wait "$follow_pid" 2>"$work/wait" || status=$?
    expect_equal "$status" "$2" "exit status after SIG$1"
}

start_following
wait_until in_step
grep -q 'copying all of' "$work/out" || fail 'no word of the full copy'
lines cpu,host=a 20 100 | other_writes t/cpu/host=a.lp
lines mem,host=a 5 | other_writes t/mem/host=a.lp
lines cpu,host=a 1 50 | sed 's/ok/no/' | other_writes t/cpu/host=a.lp
wait_until in_step
grep -qE '[0-9]+ s behind; up to [0-9]{14}Z, ' "$work/out" || fail "no word of the lag: $(cat "$work/out")"
status=0
otsfs-increment "$work/one/t" "$work/two/t" >"$work/out2" 2>&1 || status=$?
expect_equal "$status" 3 'exit status of an increment beside it'
end_following TERM 0
grep -q 'stopped; finished up to' "$work/out" || fail "summary: $(cat "$work/out")"

# It goes on where it ended, also when it was killed.
lines cpu,host=b 20 | other_writes t/cpu/host=b.lp
start_following
wait_until in_step
! grep -q 'copying all of' "$work/out" || fail 'it copied everything again'
end_following KILL 137
lines cpu,host=b 20 20 | other_writes t/cpu/host=b.lp
wait_until flock -n "$(find "$work/state/otsfs/increments" -name '*.lock')" true
start_following
wait_until in_step

# A mount that is gone comes back.
wait_until fusermount3 -u "$work/two" 2>"$work/busy" # cp may be at work there
wait_until no_process_of "$otsfs" "$work/two"
lines cpu,host=b 20 40 | other_writes t/cpu/host=b.lp
wait_until grep -q 'trying again in' "$work/err"
expect_equal "$(ls -A "$work/two")" '' 'written below the mount point'
mount_otsfs "local:$work/copy" "$work/two"
wait_until in_step
wait_until grep -q 'it works again' "$work/err"
end_following INT 0

# A short history, though windows were many; an increment goes on from there.
[ "$(otsfs-increment "$work/one/t" "$work/two/t" --history | wc -l)" -le 20 ] || fail 'a long history'
lines cpu,host=b 20 60 | other_writes t/cpu/host=b.lp
increment_is_done() {
    otsfs-increment "$work/one/t" "$work/two/t" --every 1s --lag 0 >"$work/out" || fail 'an increment behind it'
    diff -r "$other/t" "$work/two/t" >"$work/diff"
}
wait_until increment_is_done

# A source without a stream is refused before anything is copied.
mount_otsfs "local:$work/data" "$work/off" -o stream=off
status=0
timeout "$lib_wait_s" otsfs-follow "$work/off/t" "$work/two/u" >"$work/out" 2>"$work/err" || status=$?
expect_equal "$status" 1 'exit status without a stream'
grep -q 'cannot be followed' "$work/err" || fail "without a stream: $(cat "$work/err")"
expect_equal "$(ls -A "$work/two/u")" '' 'copied without a stream'
