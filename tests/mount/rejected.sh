#!/usr/bin/env bash
# Lines that were not stored are kept with their reasons, mended and written again.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
own=$work/mnt/.otsfs
mkdir "$work/mnt/t" "$work/mnt/t/cpu" "$work/mnt/u" "$work/mnt/u/cpu"

# --- six files, one of them with a bad line among good ones ----------------------------------------
mkdir "$work/six"
for i in 1 2 3 4 5 6; do
    lines "cpu,host=h$i" 100 >"$work/six/host=h$i.lp"
done
sed -i '50s/.*/cpu,host=h3 busy=nonsense 1700000049000000000/' "$work/six/host=h3.lp"
if command -v rsync >/dev/null; then
    status=0
    rsync -a "$work/six/" "$work/mnt/t/cpu/" >"$work/rsync.out" 2>&1 || status=$?
    expect_equal "$status" 23 'exit status of rsync'
    grep -q 'host=h3.lp.*Invalid argument' "$work/rsync.out" || fail "rsync: $(cat "$work/rsync.out")"
else
    expect_failure 'Invalid argument' cp "$work/six"/* "$work/mnt/t/cpu/"
fi
for i in 1 2 4 5 6; do
    expect_same "$work/mnt/t/cpu/host=h$i.lp" "$work/six/host=h$i.lp"
done
expect_same "$work/mnt/t/cpu/host=h3.lp" <(sed 50d "$work/six/host=h3.lp")
grep -q 't/cpu/.*:50:18: ' "$own/errors" || fail "errors: $(cat "$own/errors")"
sed -n 1p "$own/rejected/t.lp" | grep -q '^# cpu/.*:50:18: ' || fail 'no comment'
expect_equal "$(sed -n 2p "$own/rejected/t.lp")" "$(sed -n 50p "$work/six/host=h3.lp")" 'the rejected line'
expect_equal "$(jq .tables.t.lines.rejected "$own/status")" 1 'lines rejected'
expect_equal "$(jq .tables.u.lines.rejected "$own/status")" 0 'lines of the other table'

# --- every other reason ----------------------------------------------------------------------------
# bad LINE REASON: among two good lines, LINE is rejected for REASON.
bad() {
    : >"$own/rejected/t.lp"
    { lines cpu,host=x 1 && printf '%s\n' "$1" && lines cpu,host=x 1 1; } >"$work/bad.lp"
    expect_failure 'Invalid argument' cp "$work/bad.lp" "$work/mnt/t/cpu/host=x.lp"
    expect_same "$work/mnt/t/cpu/host=x.lp" <(lines cpu,host=x 2)
    tail -n 1 "$own/errors" | grep -q ":2.*$2" || fail "$1: $(tail -n 1 "$own/errors")"
    expect_equal "$(tail -n +2 "$own/rejected/t.lp")" "$1" 'rejected lines'
}
long=$(printf 'x%.0s' {1..1030})
bad 'cpu,host=x v=1i' 'the line has no time'
bad 'cpu,host=x v=1i -5' 'no time before 1970'
bad 'cpu,host=y v=1i 1000' 'another timeline'
bad 'mem,host=x v=1i 1000' 'another measurement'
bad 'cpu,host=x Upper=1i 1000' 'field "Upper": the name has other characters'
bad "cpu,host=x $long=1i 1000" 'field "xxxxxx'
bad 'cpu,host=x v=1i 1000 more' 'goes on behind its time'
bad 'cpu,host=x v=1i x' 'the time is no whole number'
bad "cpu,host=x $(seq -s, -f 'f%g=1i' 1025) 1000" 'more than 1024 fields'

# Half a line when its writer dies: stored is what was whole.
python3 -c 'import os, sys
os.write(1, b"cpu,host=k v=1i 1000\ncpu,host=k v=2i 20")
os.kill(os.getpid(), 9)' >"$work/mnt/t/cpu/host=k.lp" 2>"$work/killed.log" || true
expect_equal "$(cat "$work/mnt/t/cpu/host=k.lp")" 'cpu,host=k v=1i 1000' 'what a killed writer left'
wait_until grep -q '^cpu,host=k v=2i 20$' "$own/rejected/t.lp"

# --- what the service refuses ----------------------------------------------------------------------
: >"$own/rejected/t.lp"
set_faults '{"rules": [{"failed_rows": [1], "code": "OTSParameterInvalid", "message": "not that one"}]}'
lines cpu,host=r 3 >"$work/refused.lp"
expect_failure 'Input/output error' dd if="$work/refused.lp" of="$work/mnt/t/cpu/host=r.lp" bs=64k conv=fsync
reset_faults
expect_same "$work/mnt/t/cpu/host=r.lp" <(sed 2d "$work/refused.lp")
tail -n 1 "$own/errors" | grep -q 'not that one' || fail "errors: $(tail -n 1 "$own/errors")"
expect_equal "$(grep -v '^#' "$own/rejected/t.lp")" "$(sed -n 2p "$work/refused.lp")" 'the refused row'
expect_equal "$(jq .tables.t.rows.refused "$own/status")" 1 'rows refused'
expect_failure 'Input/output error' sync "$work/mnt/t"

# --- mended and written again, with their comments -------------------------------------------------
expect_failure 'Invalid argument' cp "$work/six/host=h3.lp" "$work/mnt/t/cpu/host=h3.lp"
sed 's/nonsense/50.25/' "$own/rejected/t.lp" >"$work/mended.lp"
grep -q '^# cpu/host=h3.lp:50' "$work/mended.lp" || fail 'no comments in the rejected file'
expect_equal "$(grep -vc '^#' "$work/mended.lp")" 2 'lines to write again'
: >"$own/rejected/t.lp"
cat "$work/mended.lp" >"$work/mnt/t/.write" || fail 'writing mended lines'
sync "$work/mnt/t" || fail 'sync of mended lines'
expect_same "$work/mnt/t/cpu/host=r.lp" "$work/refused.lp"
expect_equal "$(sed -n 50p "$work/mnt/t/cpu/host=h3.lp")" 'cpu,host=h3 busy=50.25 1700000049000000000' 'the mended line'
expect_equal "$(ls -A "$own/rejected")" '' 'rejected files in the end'
