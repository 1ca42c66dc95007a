#!/usr/bin/env bash
# soak_otsfs.sh [ROUNDS [SEED]]: what was in a file that was closed survives kill -9 of otsfs.
#
# In each round a program writes the same files anew, in an order of chance, until otsfs is killed
# at a moment of chance, under faults of chance; in some rounds it is killed once more while it puts
# the rows again. Then every row of a file that was closed must have this round's value, every other
# one this round's or the one it had, and no row may have been rejected.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

rounds=${1:-3}
seed=${2:-$(date +%s)}
files=600
echo "seed $seed"
RANDOM=$((seed % 32768))

cat >"$work/write.py" <<'SCRIPT'
"""write.py DIR ROUND FILES CLOSED: write all files; the numbers of closed ones go to a file."""
import random
import sys

folder, turn, files, closed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
order = list(range(files))
random.Random(turn).shuffle(order)
with open(closed, "w", encoding="utf-8") as done:
    for number in order:
        rows = "".join(f"m,host={number} v={turn}i {time}000000000\n" for time in range(1, 11))
        try:
            with open(f"{folder}/host={number}.lp", "w", encoding="utf-8") as file:
                file.write(rows)
        except OSError:
            break
        print(number, file=done, flush=True)
SCRIPT

cat >"$work/check.py" <<'SCRIPT'
"""check.py DIR ROUND FILES CLOSED BEFORE: what is there now must be right; it goes to BEFORE."""
import json
import os
import sys

folder, turn, files, closed, before = sys.argv[1:]
turn, files = int(turn), int(files)
last = json.load(open(before, encoding="utf-8")) if os.path.exists(before) else {}
done = {int(line) for line in open(closed, encoding="utf-8")}
bad = 0
for number in range(files):
    path = f"{folder}/host={number}.lp"
    rows = {}
    if os.path.exists(path):
        for line in open(path, encoding="utf-8"):
            _, value, time = line.split()
            rows[time[:-9]] = int(value[2:-1])
    for time in range(1, 11):
        value = rows.get(str(time), 0)
        old = last.get(str(number), {}).get(str(time), 0)
        if value != turn and (number in done or value != old):
            print(f"host={number} time {time}: {value}, before {old}, closed: {number in done}")
            bad += 1
    last[str(number)] = rows
json.dump(last, open(before, "w", encoding="utf-8"))
print(f"round {turn}: {len(done)} files closed")
sys.exit(bad > 0)
SCRIPT

# doze MILLISECONDS
doze() {
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

put='"action": "PutTimeseriesData"'
faults=('{"rules": []}' "{\"rules\": [{$put, \"delay_ms\": 20}]}"
    "{\"rules\": [{$put, \"delay_ms\": 300}]}"
    "{\"rules\": [{$put, \"every\": 3, \"code\": \"OTSServerBusy\"}]}"
    "{\"rules\": [{$put, \"times\": 4, \"code\": \"OTSServerBusy\"}]}")

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
mkdir -p "$work/mnt/t/m"
for ((round = 1; round <= rounds; round++)); do
    set_faults "${faults[RANDOM % ${#faults[@]}]}"
    : >"$work/closed"
    python3 "$work/write.py" "$work/mnt/t/m" "$round" "$files" "$work/closed" &
    writer=$!
    doze $((60 + RANDOM % 600))
    kill_otsfs "$work/mnt"
    wait "$writer" || true
    if [ $((RANDOM % 3)) = 0 ]; then
        mount_otsfs "local:$work/data" "$work/mnt"
        doze $((RANDOM % 100))
        kill_otsfs "$work/mnt"
    fi
    reset_faults
    mount_otsfs "local:$work/data" "$work/mnt"
    mkdir -p "$work/mnt/t/m"
    sync "$work/mnt/t" || fail "sync in round $round (seed $seed)"
    python3 "$work/check.py" "$work/mnt/t/m" "$round" "$files" "$work/closed" "$work/before.json" ||
        fail "round $round (seed $seed)"
    for rejected in "$work"/states/mnt/*/rejected/*; do
        [ ! -e "$rejected" ] || fail "round $round (seed $seed): $(head -n 4 "$rejected")"
    done
done
echo "$rounds passed, 0 failed, 0 skipped"
