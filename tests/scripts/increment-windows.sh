#!/usr/bin/env bash
# Which windows otsfs-increment copies: the scheduled time, catching up, changed clocks, older windows.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/scripts/lib/fake-tables.sh
. "$(dirname "$0")/lib/fake-tables.sh"

# at TIME [OPTION...]: a run at that time gives these windows, on standard input.
at() {
    FAKE_NOW=$(/bin/date -d "$1" +%s)
    shift
    run_increment 0 "$@"
    expect_equal "$(windows)" "$(cat)" "windows at $(/bin/date -d "@$FAKE_NOW") with $*"
}

# --- as the DataWorks recipe does -------------------------------------------------------------------
export TZ=UTC
at '2026-03-01 19:00:00' <<<'20260301175000Z-20260301185000Z'
grep -q '7 rows of 1 window in .* s; finished up to 20260301185000Z; what was put before 20260301175000Z is not copied' "$work/out" || fail "summary: $(cat "$work/out")"
expect_equal "$(wc -l <"$work/out"; cat "$work/err")" 1 'lines of the summary'
at '2026-03-01 19:00:00' </dev/null
grep -q 'nothing to do; finished up to 20260301185000Z$' "$work/out" || fail "summary: $(cat "$work/out")"
at '2026-03-01 19:59:59' </dev/null
at '2026-03-01 20:07:00' <<<'20260301185000Z-20260301195000Z'
# Missed runs, in windows of the interval.
at '2026-03-01 23:00:01' <<'END'
20260301195000Z-20260301205000Z
20260301205000Z-20260301215000Z
20260301215000Z-20260301225000Z
END
# A clock that went back does not.
at '2026-03-01 21:00:00' </dev/null
forget
at '2026-03-01 19:07:00' <<<'20260301175000Z-20260301185000Z'
forget
at '2026-03-01 19:07:31' --every 10s --lag 0 <<<'20260301190720Z-20260301190730Z'
at '2026-03-01 19:08:00' --every=20s --lag=0s <<'END'
20260301190730Z-20260301190740Z
20260301190740Z-20260301190800Z
END
forget
at '2026-03-02 00:20:00' --every 1d --lag 2h <<<'20260228220000Z-20260301220000Z'
forget

# --- by the clock on the wall ----------------------------------------------------------------------
TZ=IST-5:30
at '2026-03-01 19:00:00' <<<'20260301122000Z-20260301132000Z'
forget
TZ=EST+5
at '2026-03-01 19:40:00' --every 1d --lag 0 <<<'20260228050000Z-20260301050000Z'
forget
# Summer time begins at 01:00 UTC of the 29th, and ends so on October 25th.
TZ=CET-1CEST,M3.5.0,M10.5.0/3
at '2026-03-28 08:00:00' --every 1d --lag 0 <<<'20260326230000Z-20260327230000Z'
at '2026-03-29 08:00:00' --every 1d --lag 0 <<<'20260327230000Z-20260328230000Z'
at '2026-03-30 08:00:00' --every 1d --lag 0 <<<'20260328230000Z-20260329220000Z'
forget
at '2026-10-25 08:00:00' --every 1d --lag 0 <<<'20261023220000Z-20261024220000Z'
# A day of 25 hours.
at '2026-10-26 08:00:00' --every 1d --lag 0 <<'END'
20261024220000Z-20261024230000Z
20261024230000Z-20261025230000Z
END
forget
at '2026-03-29 00:59:59Z' <<<'20260328225000Z-20260328235000Z'
at '2026-03-29 01:00:00Z' <<<'20260328235000Z-20260329005000Z'
at '2026-03-29 02:00:00Z' <<<'20260329005000Z-20260329015000Z'
forget
at '2026-10-25 00:00:00Z' <<<'20261024225000Z-20261024235000Z'
at '2026-10-25 01:00:00Z' <<<'20261024235000Z-20261025005000Z'
at '2026-10-25 02:00:00Z' <<<'20261025005000Z-20261025015000Z'
forget

# --- one window ------------------------------------------------------------------------------------
FAKE_NOW=''
window() { # window START END [OPTION...]: gives the windows on standard input
    local start=$1 end=$2
    shift 2
    run_increment 0 --start "$start" --end "$end" "$@"
    expect_equal "$(windows)" "$(cat)" "windows of $start to $end $*"
}
window 20260301120000 20260301130000 <<<'20260301110000Z-20260301120000Z'
# 02:30 comes twice on October 25th, and not at all on March 29th.
forget
set_service_time 2026-10-25T12:00:00Z
window 20261025023000 20261025033000 <<<'20261025003000Z-20261025023000Z'
for bad in 20260329023000 20260230000000 20260301250000 2026030112000 202603011200000 20260301120000z now; do
    run_increment 2 --start "$bad" --end 20270301130000
    grep -q "'$bad' is no time" "$work/err" || fail "message for $bad: $(cat "$work/err")"
done
set_service_time 2026-03-01T12:00:00Z
forget

# Increments go on from a window.
window 20260301100000Z 20260301110000Z <<<'20260301100000Z-20260301110000Z'
at '2026-03-01 12:30:00Z' --lag 0 <<<'20260301110000Z-20260301120000Z'
# The newest one again; then an older one, with all that is behind it.
window 20260301110000Z 20260301120000Z <<<'20260301110000Z-20260301120000Z'
window 20260301100000Z 20260301103000Z <<'END'
20260301100000Z-20260301103000Z
20260301103000Z-20260301110000Z
20260301110000Z-20260301120000Z
END
grep -q 'finished up to 20260301120000Z' "$work/out" || fail "summary: $(cat "$work/out")"
window 20260301100000Z 20260301103000Z --force <<<'20260301100000Z-20260301103000Z'
at '2026-03-01 12:59:00Z' --lag 0 </dev/null
# One behind a gap does not close it.
window 20260301150000Z 20260301160000Z <<<'20260301150000Z-20260301160000Z'
at '2026-03-01 14:00:00Z' --lag 0 <<'END'
20260301120000Z-20260301130000Z
20260301130000Z-20260301140000Z
END
# One that reaches beyond what is finished does.
window 20260301133000Z 20260301170000Z <<<'20260301133000Z-20260301170000Z'
at '2026-03-01 18:00:00Z' --lag 0 <<<'20260301170000Z-20260301180000Z'

TZ=UTC
# An older one that is cut short leaves old values: the next run goes on from there.
: >"$work/fate/fail"
run_increment 1 --start 20260301120000Z --end 20260301130000Z
rm "$work/fate/fail"
at '2026-03-01 18:00:00Z' --every 3h --lag 0 <<'END'
20260301120000Z-20260301150000Z
20260301150000Z-20260301180000Z
END
forget

# --- everything ------------------------------------------------------------------------------------
mkdir "$one/t/cpu"
lines cpu,host=a 7 >"$one/t/cpu/host=a.lp"
run_increment 0 --full
expect_same "$one/t/cpu/host=a.lp" "$two/t/cpu/host=a.lp"
# The service's time, less what its stream may lag.
grep -q 'the whole table, 7 rows in .*; finished up to 20260301115957Z$' "$work/out" || fail "summary: $(cat "$work/out")"
rm -r "$one/t/cpu"
windows >"$work/windows"
at '2026-03-01 14:20:00Z' <<'END'
20260301115957Z-20260301125000Z
20260301125000Z-20260301135000Z
END
set_service_time 'soon'
run_increment 1 --full
grep -q "does not tell the service's time" "$work/err" || fail "message: $(cat "$work/err")"
