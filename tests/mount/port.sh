#!/usr/bin/env bash
# `.write` takes lines of any timeline: a dump, a stream, several writers at once.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
t=$work/mnt/t
mkdir "$t"
port=$t/.write

expect_equal "$(stat -c '%a %s %F' "$port")" '200 0 regular empty file' 'stat'
expect_equal "$(ls -A "$t")" '' 'listing'
expect_failure 'Permission denied' cat "$port"
expect_failure 'Operation not permitted' rm "$port"

# A dump of many timelines, lines of different ones in turn, by different tools.
plain_table "$work/plain" 4 200
paste -d '\n' "$work/plain"/*/*.lp | grep . >"$work/dump.lp"
cat "$work/dump.lp" >"$port"
diff -rq "$work/plain" "$t" || fail 'cat >'
mkdir "$work/mnt/u"
cp --no-preserve=all "$work/dump.lp" "$work/mnt/u/.write"
diff -rq "$work/plain" "$work/mnt/u" || fail 'cp'
mkdir "$work/mnt/v"
dd if="$work/dump.lp" of="$work/mnt/v/.write" bs=1000 oflag=append conv=notrunc,fsync status=none
diff -rq "$work/plain" "$work/mnt/v" || fail 'dd'
mkdir "$work/mnt/w"
tee "$work/mnt/w/.write" <"$work/dump.lp" >/dev/null
diff -rq "$work/plain" "$work/mnt/w" || fail 'tee'

# As Telegraf's file output: one long-lived writer, a line for each field, lines without a time.
mkdir "$work/mnt/x"
exec 3>>"$work/mnt/x/.write"
printf 'cpu,host=a usage=1i 1000\ncpu,host=a load=2i 1000\n' >&3
rows_are_there() { [ "$(cat "$work/mnt/x/cpu/host=a.lp" 2>/dev/null)" = 'cpu,host=a load=2i,usage=1i 1000' ]; }
wait_until rows_are_there
before=$(date +%s)
printf 'mem used=1i\nmem used=2i\n' >&3
exec 3>&-
expect_equal "$(cut -d' ' -f2 "$work/mnt/x/mem/_.lp")" $'used=1i\nused=2i' 'lines without a time'
stamp=$(($(cut -d' ' -f3 "$work/mnt/x/mem/_.lp" | head -n 1) / 1000000000))
if [ "$stamp" -lt $((before - 1)) ] || [ "$stamp" -gt $(($(date +%s) + 1)) ]; then
    fail "time $stamp"
fi

# Several writers at once.
mkdir "$work/mnt/y"
writers=()
for i in 1 2 3 4; do
    lines "m,n=$i" 3000 >"$work/writer$i"
    cat "$work/writer$i" >>"$work/mnt/y/.write" &
    writers+=($!)
done
wait "${writers[@]}"
for i in 1 2 3 4; do
    expect_same "$work/mnt/y/m/n=$i.lp" "$work/writer$i"
done

# Bad lines: the tool is told, the others are stored.
mkdir "$work/mnt/z"
{ cat "$work/writer1" && echo 'm,n=1 v=nonsense' && echo 'm Upper=1i 1' && cat "$work/writer2"; } >"$work/bad"
expect_failure 'Invalid argument' cp --no-preserve=all "$work/bad" "$work/mnt/z/.write"
expect_same "$work/mnt/z/m/n=1.lp" "$work/writer1"
expect_same "$work/mnt/z/m/n=2.lp" "$work/writer2"
expect_equal "$(ls "$work/mnt/z/m")" $'n=1.lp\nn=2.lp' 'timelines'

# A writer killed in the middle of a line: no row of that half.
python3 - "$work/mnt/z/.write" <<'PYTHON' 2>/dev/null || true
import os
import signal
import sys

fd = os.open(sys.argv[1], os.O_WRONLY)
os.write(fd, b"k v=1i 1000\nk v=2i 2")
os.kill(os.getpid(), signal.SIGKILL)
PYTHON
row_is_there() { [ "$(cat "$work/mnt/z/k/_.lp" 2>/dev/null)" = 'k v=1i 1000' ]; }
wait_until row_is_there
