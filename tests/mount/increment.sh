#!/usr/bin/env bash
# otsfs-increment between real tables: consecutive windows make the copy equal, across a split and a
# merge of the stream's shards; repeated windows change nothing; what fails is not finished.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
PATH=$top/scripts:$PATH

start_otslocal "$work/data" --admin
start_otslocal "$work/copy" --admin
mount_otsfs "local:$work/data" "$work/one" -o settle=1
mount_otsfs "local:$work/copy" "$work/two"
mount_other "local:$work/data"

# increment STATUS [OPTION...]: one/t to two/t, with that exit status; output in $work/out, $work/err.
increment() {
    local wanted=$1 status=0
    shift
    otsfs-increment "$work/one/t" "$work/two/t" "$@" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" = "$wanted" ] || fail "exit status $status of $*, not $wanted: $(cat "$work/out" "$work/err")"
}
# boundary: a second, as windows name it: what was stored lies before it, what comes
# lies behind.
boundary() {
    local begun
    begun=$(date +%s)
    wait_until is_later_than "$begun"
    date -u -d "@$((begun + 1))" +%Y%m%d%H%M%SZ
}
is_later_than() {
    [ "$(date +%s)" -gt "$1" ]
}
finished() {
    sed -n 's/.*finished up to //p' "$work/out" "$work/err" | head -n 1
}
# rows_of START END: how many lines the window has.
rows_of() {
    find "$work/one/t/.changes/$1-$2" -name '*.lp' -exec cat {} + | wc -l
}
# expect_copy PLAIN WHAT: the copy is as that folder.
expect_copy() {
    diff -r "$1" "$work/two/t" >"$work/diff" || fail "$2: $(head -n 5 "$work/diff")"
}

# --- windows, one after another ----------------------------------------------------------------------
w0=$(boundary)
mkdir "$other/t"
for host in a b c; do
    lines "cpu,host=$host" 100 | other_writes "t/cpu/host=$host.lp"
done
cp -r "$other/t" "$work/t1"
w1=$(boundary)
split_shard "$work/data" t
lines cpu,host=a 50 100 | other_writes t/cpu/host=a.lp
lines cpu,host=b 10 20 | sed 's/ok/no/' | other_writes t/cpu/host=b.lp   # as long as before
lines cpu,host=c 5 | sed 's/000000000$/500000000/' | other_writes t/cpu/host=c.lp # between the others
lines mem,host=a 7 | other_writes t/mem/host=a.lp
lines cpu,host=b 10 20 | sed 's/ok/up/' | other_writes t/cpu/host=b.lp   # again, in one window
cp -r "$other/t" "$work/t2"
w2=$(boundary)
merge_shards "$work/data" t
lines cpu,host=a 30 150 | other_writes t/cpu/host=a.lp
lines cpu,host=b 10 20 | sed 's/ok/ja/' | other_writes t/cpu/host=b.lp
lines "disk,dev=it's" 3 | other_writes "t/disk/dev=it's.lp"
cp -r "$other/t" "$work/t3"
w3=$(boundary)

increment 0 --start "$w0" --end "$w1"
expect_copy "$work/t1" 'the first window'
grep -q '300 rows of 1 window in' "$work/out" || fail "summary: $(cat "$work/out")"
expect_equal "$(rows_of "$w0" "$w1")" 300 'rows of the first window'
increment 0 --start "$w1" --end "$w2"
expect_copy "$work/t2" 'the second window'
expect_equal "$(rows_of "$w1" "$w2")" $((50 + 10 + 5 + 7)) 'rows of the second window'
# The third by the schedule, as it is there now.
third_is_finished() {
    increment 0 --every 1s --lag 0
    [[ $(finished) > $w3 ]]
}
wait_until third_is_finished
expect_copy "$work/t3" 'the third window'
[ "$(listing "$work/two/t")" = "$(fresh_listing "local:$work/data" t)" ] || fail 'the copy is not as the source'

# --- again -------------------------------------------------------------------------------------------
increment 0 --start "$w2" --end "$(finished)"
expect_copy "$work/t3" 'the newest window again'
before=$(finished)
increment 0 --start "$w0" --end "$w1"
expect_copy "$work/t3" 'an old window with those behind it'
expect_equal "$(finished)" "$before" 'finished'
increment 0 --start "$w1" --end "$w2" --force
! diff -rq "$work/t3" "$work/two/t" >"$work/diff" || fail '--force did not bring old values back'
increment 0 --start "$w1" --end "$w2"
expect_copy "$work/t3" 'old values, mended'
increment 0 --history
expect_equal "$(sed -n '2,3s/  */ /gp' "$work/out" | cut -d ' ' -f 2-4,6)" \
    "window $w0-$w1 300 finished"$'\n'"window $w1-$w2 72 finished" 'history'

# --- what fails --------------------------------------------------------------------------------------
lines cpu,host=a 40 180 | other_writes t/cpu/host=a.lp
cp -r "$other/t" "$work/t4"
w4=$(boundary)
admin_of "$work/copy" set_faults \
    '{"rules": [{"action": "PutTimeseriesData", "failed_rows": [1], "code": "OTSParameterInvalid", "message": "no"}]}'
increment 5 --start "$w3" --end "$w4"
grep -qE "(^| )[1-9][0-9]* rows of $work/two/t were refused; see" "$work/err" || fail "message: $(cat "$work/err")"
expect_equal "$(finished)" "$before" 'finished after refused rows'
admin_of "$work/copy" set_faults '{"rules": [{"action": "PutTimeseriesData", "code": "OTSServerBusy"}]}'

# Killed in the middle of it, by a signal that can be caught and by one that cannot.
on_their_way() {
    [ "$(otsfs_counter "$work/two" otsfs_rows_on_their_way t)" -gt 0 ]
}
lock=$(find "$work/state/otsfs/increments" -name '*.lock')
# Who tried to take it could be in the way of the run.
is_locked() {
    grep -q ":$(stat -c %i "$lock") " /proc/locks
}
for signal in TERM KILL; do
    otsfs-increment "$work/one/t" "$work/two/t" --start "$w3" --end "$w4" >"$work/out" 2>"$work/err" &
    pid=$!
    lib_pids+=("$pid")
    wait_until is_locked
    wait_until on_their_way
    increment 3 --every 1s
    kill -s "$signal" "$pid"
    status=0
    wait "$pid" 2>"$work/wait" || status=$?
    expect_equal "$status" $((128 + $(kill -l "$signal"))) "exit status after SIG$signal"
done
admin_of "$work/copy" reset_faults
wait_until flock -n "$lock" true # that of the killed one's sync
increment 0 --history
expect_equal "$(sed 1d "$work/out" | awk 'END { print $NF }')" interrupted 'the last result'
increment 0 --start "$w3" --end "$w4"
expect_copy "$work/t4" 'the window in the end'

# --- killed at any moment ----------------------------------------------------------------------------
for round in 1 2 3 4 5 6 7 8; do
    lines cpu,host=a 20 $((220 + round * 20)) | other_writes t/cpu/host=a.lp
    setsid otsfs-increment "$work/one/t" "$work/two/t" --every 1s --lag 0 >"$work/out" 2>"$work/err" &
    pid=$!
    lib_pids+=("$pid")
    sleep "0.$((RANDOM % 8))"
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait "$pid" 2>"$work/wait" || true
done
wait_until flock -n "$lock" true
cp -r "$other/t" "$work/t5"
w4=$(boundary)
all_is_finished() {
    increment 0 --every 1s --lag 0
    [[ ! $(finished) < $w4 ]]
}
wait_until all_is_finished
expect_copy "$work/t5" 'the copy after kills'

# --- under one mount ---------------------------------------------------------------------------------
otsfs-increment "$work/one/t" "$work/one/u" --full || fail 'a full copy in one mount'
w5=$(boundary)
lines cpu,host=c 5 400 | other_writes t/cpu/host=c.lp
w6=$(boundary)
otsfs-increment "$work/one/t" "$work/one/u" --start "$w5" --end "$w6" || fail 'a window in one mount'
diff -r "$other/t" "$work/one/u" || fail 'the copy in one mount'

# --- by the service's clock --------------------------------------------------------------------------
admin_of "$work/data" set_faults '{"clock_offset_s": 800}'
mount_otsfs "local:$work/data" "$work/late" -o settle=1
otsfs-increment "$work/late/t" "$work/two/v" --full >"$work/out" || fail 'a full copy'
[[ $(finished) > $(date -u -d '780 seconds' +%Y%m%d%H%M%SZ) ]] || fail "not the service's time: $(finished)"
