#!/usr/bin/env bash
# soak_follower.sh [ROUNDS [SEED]]: no change is missed, and no size is wrong, after kill -9 of otsfs.
#
# In each round somebody else appends, corrects, comes late and makes timelines and measurements, in
# another mount, while this mount writes too, and lists and reads, under faults of chance. Then, at a
# moment of chance, otsfs is killed, sometimes once more while it catches up; in some rounds it lives.
# At last this mount must list what a mount without any state lists: at once when it was mounted
# anew, else soon; and each file must be as long as it was said to be. Shards split and merge
# meanwhile, and some records are removed before they were read.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

rounds=${1:-3}
seed=${2:-$(date +%s)}
echo "seed $seed"
RANDOM=$((seed % 32768))
cat >"$work/change.py" <<'SCRIPT'
"""change.py TABLE WHO ROUND SEED STOP: change files until STOP is there; exit 1 when that fails."""
import os
import random
import sys
import time

table, who, turn, seed, stop = sys.argv[1:]
turn = int(turn)
chance = random.Random(f"{who} {turn} {seed}")
first = turn * 10000  # all earlier rounds wrote earlier rows
clock = first
made = 0


def rows(measurement, host, times):
    more = ["", ',s="more of it"', ",b=true"]
    return "".join(f"{measurement},host={host} v={chance.randrange(10 ** chance.randrange(1, 5))}i"
                   f"{chance.choice(more)} {at}000000000\n" for at in times)


def write(measurement, host, times):
    if not os.path.isdir(f"{table}/{measurement}"):
        try:
            os.mkdir(f"{table}/{measurement}")
        except FileExistsError:
            pass
    with open(f"{table}/{measurement}/host={host}.lp", "a", encoding="utf-8") as file:
        file.write(rows(measurement, host, times))


def change():
    """Most is about timelines that the other one changes too."""
    global clock, made
    kind = chance.random()
    host = chance.randrange(20)
    if kind < 0.5:
        clock += chance.randrange(1, 4)
        write("m", host, range(clock, clock + chance.randrange(1, 6)))
    elif kind < 0.7:
        write("m", host, [chance.randrange(1, 11)])
    elif kind < 0.85:
        write("m", host, [chance.randrange(11, first)])
    elif kind < 0.95:
        write("own", f"{who}{host}", [chance.randrange(1, first + 10000)])
    elif made < 3:
        made += 1
        write(chance.choice(["m", f"m{turn}"]), f"{who}{turn}-{made}", range(1, 11))


while not os.path.exists(stop):
    try:
        change()
    except OSError as problem:
        print(f"{who}: {problem}")
        sys.exit(1)
    time.sleep(chance.random() * 0.01)
SCRIPT

cat >"$work/look.py" <<'SCRIPT'
"""look.py TABLE STOP: list and read files until STOP is there, or the mount is gone."""
import os
import random
import sys

table, stop = sys.argv[1:]
while not os.path.exists(stop):
    for folder, _, names in os.walk(table):
        for name in names:
            try:
                os.stat(f"{folder}/{name}")
                if random.random() < 0.1:
                    with open(f"{folder}/{name}", "rb") as file:
                        file.read()
            except OSError:
                pass
SCRIPT

# doze MILLISECONDS
doze() {
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}
one_in() {
    [ $((RANDOM % $1)) = 0 ]
}

get='"action": "GetStreamRecord"'
scan='"action": "ScanTimeseriesData"'
put='"action": "PutTimeseriesData"'
faults=('{}' '{"stream_visible_after_s": 0.3}' '{"stream_visible_after_s": 5}'
    "{\"rules\": [{$get, \"every\": 3, \"code\": \"OTSServerBusy\"}]}"
    "{\"rules\": [{$get, \"every\": 2, \"cut\": \"after\"}]}"
    "{\"rules\": [{$scan, \"delay_ms\": 200}]}"
    "{\"rules\": [{$put, \"every\": 4, \"cut\": \"after\"}]}"
    "{\"rules\": [{$put, \"delay_ms\": 100}], \"stream_visible_after_s\": 0.2}"
    '{"clock_offset_s": 40}' '{"clock_offset_s": -40}')

change_stream() {
    if one_in 3; then
        split_shard "$work/data" t
    elif [ "$(admin_call streams | jq '[.t.shards[] | select(.is_open)] | length')" -gt 3 ]; then
        trim_stream "$work/data" t
    fi
}

# run_round ROUND: with otsfs killed, or living, at its end; nothing is under way then. Sets `killed`.
run_round() {
    local stop=$work/stop.$1 other_writer own_writer reader
    set_faults "${faults[RANDOM % ${#faults[@]}]}"
    python3 "$work/change.py" "$other/t" other "$1" "$seed" "$stop" &
    other_writer=$!
    python3 "$work/change.py" "$work/mnt/t" own "$1" "$seed" "$stop" >"$work/own.log" &
    own_writer=$!
    python3 "$work/look.py" "$work/mnt/t" "$stop" &
    reader=$!
    lib_pids+=("$other_writer" "$own_writer" "$reader")
    doze $((100 + RANDOM % 900))
    change_stream
    doze $((RANDOM % 300))
    killed=
    if ! one_in 4; then
        kill_otsfs "$work/mnt"
        killed=killed
    fi
    if [ "$killed" ] && one_in 3; then
        mount_otsfs "local:$work/data" "$work/mnt"
        doze $((RANDOM % 200))
        kill_otsfs "$work/mnt"
    fi
    : >"$stop"
    wait "$other_writer" || fail "the other writer (round $1, seed $seed)"
    wait "$own_writer" || [ "$killed" ] || fail "the writer: $(cat "$work/own.log") (round $1, seed $seed)"
    wait "$reader" || fail "the reader (round $1, seed $seed)"
    sync "$other/t" || fail "the other mount's sync (round $1, seed $seed)"
    ! one_in 5 || trim_stream "$work/data" t
}

# A mount that lives may take some seconds until it knows what others wrote.
wait_for_listing() {
    local end=$((SECONDS + 15))
    until listing "$work/mnt/t" >"$work/found" && cmp -s "$work/wanted" "$work/found"; do
        [ "$SECONDS" -lt "$end" ] || break
        sleep 0.1
    done
}

# check_round ROUND: the mount says what is there.
check_round() {
    reset_faults
    [ -z "$killed" ] || mount_otsfs "local:$work/data" "$work/mnt"
    sync "$work/mnt/t" || fail "sync (round $1, seed $seed)"
    [ -z "$killed" ] || listing "$work/mnt/t" >"$work/found"
    fresh_listing "local:$work/data" t >"$work/wanted"
    [ "$killed" ] || wait_for_listing
    cmp -s "$work/wanted" "$work/found" || {
        diff "$work/wanted" "$work/found" | head -n 10
        fail "the mount (>) does not list what is there (<) (round $1, seed $seed)"
    }
    sizes_are_exact "$work/mnt/t" || fail "sizes (round $1, seed $seed)"
    # A row of the journal gives way to one that somebody else put meanwhile; nothing else is refused.
    find "$work/states" -path '*/rejected/*' -type f -exec grep -h '^#' {} + |
        grep -v 'superseded: somebody else put this row since$' >"$work/refused" || true
    [ ! -s "$work/refused" ] || fail "round $1 (seed $seed): $(head -n 4 "$work/refused")"
}

start_otslocal "$work/data" --admin
mount_other "local:$work/data"
mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$other/t"
for host in $(seq 0 19); do
    for at in $(seq 10); do echo "m,host=$host v=1i ${at}000000000"; done | other_writes "t/m/host=$host.lp"
done
for ((round = 1; round <= rounds; round++)); do
    run_round "$round"
    check_round "$round"
    echo "round $round: $(($(wc -l <"$work/wanted") / 2)) files, otsfs ${killed:-lived}"
done
echo "$rounds passed, 0 failed, 0 skipped"
