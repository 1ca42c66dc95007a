#!/usr/bin/env bash
# A timeline that is written all the time, by another host, looked at and copied meanwhile: it never
# reads shorter than it was said to be, what was read stays, and copies of it are whole lines.
# SEMANTICS 3.2, 4 (getattr), 5 (growth).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_other "local:$work/data"
lines live,host=a 100 | other_writes t/live/host=a.lp
lines live,host=b 100 | other_writes t/live/host=b.lp
# A row behind the last one every few milliseconds.
python3 - "$other/t/live/host=a.lp" "$work/stop" <<'SCRIPT' &
import os
import sys
import time

with open(sys.argv[1], "ab", buffering=0) as file:
    while not os.path.exists(sys.argv[2]):
        at = time.time_ns() // 1000
        file.write(b"live,host=a v=%di,s=\"%s\" %d000\n" % (at, b"x" * (at % 50), at))
        time.sleep(0.004)
SCRIPT
writer=$!
lib_pids+=("$writer")
# Followed from the first look on.
sleep 0.2
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.1
table=$work/mnt/t
tail -f -n +1 "$table/live/host=a.lp" >"$work/followed" 2>"$work/follow.err" &
follower=$!
lib_pids+=("$follower")

cat >"$work/look.py" <<'SCRIPT'
"""look.py FILE SECONDS: open it again and again; what was told and read must only grow."""
import os
import sys
import time

path, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
known, looks, changes = b"", 0, 0
while time.monotonic() < end:
    named = os.stat(path).st_size
    with open(path, "rb") as file:
        opened = os.fstat(file.fileno()).st_size
        text = file.read()
    if not len(known) <= named <= opened <= len(text):
        sys.exit(f"known {len(known)}, stat {named}, open {opened}, read {len(text)}")
    if not text.startswith(known):
        sys.exit("what was read before has changed")
    if not text.endswith(b"\n"):
        sys.exit("the last line is not whole")
    changes += len(text) > len(known)
    known = text
    looks += 1
print(looks, "looks,", changes, "changes")
if changes < 10:
    sys.exit("too few changes for this test")
SCRIPT
python3 "$work/look.py" "$table/live/host=a.lp" 5 || fail 'a look'

# Copies while it grows: each is a whole beginning.
for round in 1 2 3; do
    rsync -a "$table/" "$work/copy$round/" || fail "rsync, exit status $?"
    cp -r "$table" "$work/cp$round" || fail 'cp -r'
    tar -cf "$work/$round.tar" -C "$table" . 2>"$work/tar.err" || [ $? = 1 ] || fail "tar: $(cat "$work/tar.err")"
    sleep 0.3
done
: >"$work/stop"
wait "$writer" || fail 'the writer'
sync "$other/t"
agree_with_fresh "local:$work/data" t "$work/mnt"
for copy in "$work"/copy? "$work"/cp?; do
    size=$(stat -c %s "$copy/live/host=a.lp")
    expect_same "$copy/live/host=a.lp" <(head -c "$size" "$table/live/host=a.lp")
    expect_equal "$(tail -c 1 "$copy/live/host=a.lp")" '' 'the last byte'
    expect_same "$copy/live/host=b.lp" "$table/live/host=b.lp"
done
followed_all() {
    cmp -s "$work/followed" "$table/live/host=a.lp"
}
wait_until followed_all
stop "$follower" || true
expect_equal "$(cat "$work/follow.err")" '' 'what tail says'
rsync -a "$table/" "$work/copy1/"
expect_equal "$(rsync -ai "$table/" "$work/copy1/")" '' 'rsync when it is quiet'
