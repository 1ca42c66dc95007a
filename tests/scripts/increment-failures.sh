#!/usr/bin/env bash
# What otsfs-increment does when something goes wrong: exit statuses, the lock, signals, history, and
# that nothing counts as finished that is not.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/scripts/lib/fake-tables.sh
. "$(dirname "$0")/lib/fake-tables.sh"
export TZ=UTC

# said TEXT: on standard error.
said() {
    grep -qF -- "$1" "$work/err" || fail "no '$1' but: $(cat "$work/out" "$work/err")"
}
state_of() {
    find "$work/state/otsfs/increments" -type f ! -name '*.lock' ! -name '*.new'
}
# finished: where the next run goes on.
finished() {
    sed -n 's/^next //p' "$(state_of)"
}
# results: of all runs until now.
results() {
    otsfs-increment "$one/t" "$two/t" --history | sed 1d | awk '{ print $NF }' | tr '\n' ' '
}
hour=(--start 20260301120000 --end 20260301130000)

# --- usage -----------------------------------------------------------------------------------------
run_increment 2 --nothing
said 'there is no option --nothing'
run_increment 2 --start 20260301120000
run_increment 2 --end 20260301120000
run_increment 2 --start 20260301120000 --end 20260301120000
run_increment 2 --start 20260301120000Z --end 20260301130000
said 'both have a Z'
run_increment 2 --start 20260301120000 --end 20260302120001
said "more than a day ahead of the service's time, 20260301120000Z"
run_increment 2 --full "${hour[@]}"
run_increment 2 --every 1h --full
run_increment 2 --force
run_increment 2 --every 0
run_increment 2 --every 1w
run_increment 2 --lag -1
run_increment 2 --every
run_increment 2 third
otsfs-increment --help >"$work/out" || fail 'exit status of --help'
# shellcheck disable=SC2013 # options have no spaces
for option in $(grep -oE -- '--[a-z]+' "$work/out" | sort -u); do
    grep -qF -- "${option#-}" "$top/docs/man/otsfs-increment.1" || fail "otsfs-increment.1 does not name $option"
done
status=0
otsfs-increment "$work" "$two/t" 2>"$work/err" || status=$?
expect_equal "$status" 1 'exit status for a directory that is in no mount'
said 'is not in a mount of otsfs'
status=0
otsfs-increment "$one/t" "$two/t/cpu" 2>"$work/err" || status=$?
expect_equal "$status" 1 'exit status for a measurement'
said 'is not the directory of a table'
status=0
otsfs-increment "$one" "$two/t" 2>"$work/err" || status=$?
expect_equal "$status" 1 'exit status for the root of a mount'
said 'is not the directory of a table'
otsfs-increment "$one/none" "$two/t" 2>"$work/err" && fail 'a table that is not there'
said 'there is no such table'
cp "$two/.otsfs/status" "$work/status"
cp "$one/.otsfs/status" "$two/.otsfs/status"
run_increment 1
said 'are the same table'
mv "$work/status" "$two/.otsfs/status"
expect_equal "$(find "$work/state" -type f)" '' 'state after wrong usage'

# --- what is not finished is not recorded ----------------------------------------------------------
run_increment 0 "${hour[@]}"
expect_equal "$(finished)" 20260301130000Z 'finished'
later=(--start 20260301130000Z --end 20260301140000Z)
# fails STATUS FATE TEXT
fails() {
    : >"$work/fate/$2"
    run_increment "$1" "${later[@]}"
    said "$3"
    rm "$work/fate/$2"
    expect_equal "$(finished)" 20260301130000Z "finished after $2"
    expect_equal "$(wc -l <"$work/out")" 0 "standard output after $2"
    expect_equal "$(grep -c 'finished up to' "$work/err")" 1 "summaries after $2"
    set_counts 0 0 100
}
fails 1 fail 'Input/output error'
fails 1 denied 'stream=off'
fails 1 unsynced 'failed'
fails 1 remount 'was mounted anew'
fails 4 gone 'any more: only --full helps'
fails 5 refuse '3 rows of'
fails 5 reject '2 rows of'
expect_equal "$(results)" 'finished failed failed failed failed not-kept refused refused ' 'results'
# An older one that is not kept any more changes nothing either.
: >"$work/fate/gone"
run_increment 4 --start 20260301110000 --end 20260301120000
rm "$work/fate/gone"
expect_equal "$(finished)" 20260301130000Z 'finished after an older one'
# Many messages are cut.
/bin/cp -p "$work/fake/cp" "$work/counting_cp"
fake cp <<'END'
i=0; while [ $i -lt 50 ]; do i=$((i + 1)); echo "cp: message $i" >&2; done; exit 1
END
run_increment 1 "${later[@]}"
expect_equal "$(grep -c '^cp: message' "$work/err")" 20 'messages of cp'
said 'and 30 more messages'
rm "$work/fake/cp"

# --- what changes while it is copied -----------------------------------------------------------------
# The first cp fails for one file that was changed and one that is gone; of the first it is tried again.
mkdir -p "$one/t/cpu"
lines cpu,host=a 3 >"$one/t/cpu/a b.lp"
# with_stale FILE TEXT
with_stale() {
    fake cp <<END
case "\$1" in
-rT) echo "cp: error reading '$one/t/cpu/$1': $2" >&2; exit 1 ;;
*) exec /bin/cp "\$@" ;;
esac
END
}
with_stale 'a b.lp' 'Stale file handle'
mkdir -p "$two/t/cpu"
otsfs-increment "$one/t" "$two/t" --full --state "$work/full" >"$work/out" 2>"$work/err" || fail "stale: $(cat "$work/err")"
expect_same "$one/t/cpu/a b.lp" "$two/t/cpu/a b.lp"
with_stale gone.lp 'No such file or directory'
otsfs-increment "$one/t" "$two/t" --full --state "$work/full" >"$work/out" 2>"$work/err" || fail "gone: $(cat "$work/err")"
with_stale 'a b.lp' 'Input/output error'
otsfs-increment "$one/t" "$two/t" --full --state "$work/full" >"$work/out" 2>"$work/err" && fail 'an error that counts'
said 'Input/output error'
rm -r "$work/fake/cp" "$one/t/cpu" "$two/t/cpu"

# --- not complete yet ------------------------------------------------------------------------------
printf '\n\n' >"$work/fate/again"
run_increment 0 "${later[@]}"
expect_equal "$(finished)" 20260301140000Z 'finished after a wait'
[ ! -s "$work/fate/again" ] || fail 'it did not look again'
expect_equal "$(grep -c 'waiting until 20260301130000Z-20260301140000Z is complete, about 20260301140002Z$' "$work/err")" 1 'words of the wait'

# --- a source without a stream -----------------------------------------------------------------------
: >"$work/fate/denied"
otsfs-increment "$one/t" "$two/t" --full --state "$work/full" >"$work/out" 2>"$work/err" || fail "without a stream: $(cat "$work/err")"
said 'increments cannot follow: its stream cannot be read, or its mount has stream=off'
status=0
timeout 20 otsfs-follow "$one/t" "$two/t" --state "$work/follow" >"$work/out" 2>"$work/err" || status=$?
expect_equal "$status" 1 'exit status of otsfs-follow without a stream'
said 'cannot be followed'
expect_equal "$(cat "$work/out")" '' 'what otsfs-follow did without a stream'
rm "$work/fate/denied"

# --- signals ---------------------------------------------------------------------------------------
fake cp <<'END'
echo $$ >"$FAKE/hangs"
exec /bin/sleep 600
END
next=(--start 20260301140000Z --end 20260301150000Z)
# hang: start a run that hangs in cp.
hang() {
    rm -f "$work/hangs"
    env --default-signal=INT "$top/scripts/otsfs-increment" "$one/t" "$two/t" "${next[@]}" >"$work/out" 2>"$work/err" &
    run_pid=$!
    lib_pids+=("$run_pid")
    wait_until test -s "$work/hangs"
}
for signal in TERM INT HUP; do
    hang
    # Others are told at once.
    status=0
    otsfs-increment "$one/t" "$two/t" >"$work/out2" 2>&1 || status=$?
    expect_equal "$status" 3 'exit status of a second run'
    grep -q 'another run has' "$work/out2" || fail 'no word of the other run'
    kill -s "$signal" "$run_pid"
    status=0
    wait "$run_pid" || status=$?
    expect_equal "$status" $((128 + $(kill -l "$signal"))) "exit status after SIG$signal"
    ! kill -0 "$(cat "$work/hangs")" 2>/dev/null || fail "cp survived SIG$signal"
    said 'interrupted'
    expect_equal "$(finished)" 20260301140000Z "finished after SIG$signal"
done
[[ $(results) == *' interrupted interrupted interrupted ' ]] || fail "results: $(results)"
# Killed for good: the lock stays until its cp has ended, and the window is not finished.
hang
kill -KILL "$run_pid"
wait "$run_pid" 2>/dev/null || true
run_increment 3
kill "$(cat "$work/hangs")"
lock_is_free() { flock -n "$(state_of).lock" true; }
wait_until lock_is_free
expect_equal "$(finished)" 20260301140000Z 'finished after SIGKILL'
rm "$work/fake/cp"
run_increment 0 "${next[@]}"
expect_equal "$(finished)" 20260301150000Z 'finished in the end'

# --- the state file --------------------------------------------------------------------------------
# A torn one is not left behind: what is being written has another name.
expect_equal "$(find "$work/state" -name '*.new')" '' 'left behind'
run_increment 0 --state "$work/mine" "${hour[@]}"
grep -q '^next 20260301130000Z$' "$work/mine" || fail "state: $(cat "$work/mine")"
mkdir "$one/u"
status=0
otsfs-increment "$one/u" "$two/t" --state "$work/mine" 2>"$work/err" || status=$?
expect_equal "$status" 1 'exit status with the state of other tables'
said 'is that of'
echo nonsense >"$work/mine"
run_increment 1 --state "$work/mine"
said 'is not a state file'
# History is bounded, and tells window, rows and result.
{ sed '/^run /d' "$(state_of)" && seq 1500 | sed 's/.*/run 20260301000000Z every 20260228000000Z 20260228010000Z 5 1234 finished/'; } >"$work/long"
mv "$work/long" "$(state_of)"
mv "$work/counting_cp" "$work/fake/cp"
set_counts 0 0 100
run_increment 0 --start 20260301150000 --end 20260301160000
run_increment 0 --history
expect_equal "$(sed 1d "$work/out" | wc -l)" 1000 'lines of history'
expect_equal "$(sed -n 2p "$work/out" | tr -s ' ')" \
    '20260301000000Z every 20260228000000Z-20260228010000Z 5 1.234 finished' 'a line of history'
expect_equal "$(tail -n 1 "$work/out" | awk '{ print $2, $3, $4, $6 }')" \
    'window 20260301150000Z-20260301160000Z 7 finished' 'the last line of history'
