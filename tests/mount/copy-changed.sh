#!/usr/bin/env bash
# A timeline is copied in one mount while somebody else rewrites it, so that its size goes up and down: each
# copy is a whole text of its rows, though the kernel cuts what cp asks for at the size it knows.
# SEMANTICS 6.5.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/a,local:$work/b" "$work/both" -o poll=0.05
mount_otsfs "local:$work/a" "$work/other"
mkdir -p "$work/both/a/t/m" "$work/both/b/t/m"
source=$work/both/a/t/m/host=a.lp target=$work/both/b/t/m
lines m,host=a 40 >"$source"
sync "$work/both/a/t"
wait_until test -s "$work/other/t/m/host=a.lp"

python3 - "$work/other/t/m/host=a.lp" <<'E' &
import sys
import time

turn = 0
while True:
    text = "x" * (0, 100, 37)[turn % 3]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.writelines(f'm,host=a s="{text}" {1700000000 + i}000000000\n' for i in range(40))
    turn += 1
    time.sleep(0.003)
E
writer=$!
lib_pids+=("$writer")
for ((i = 0; i < 200; i++)); do
    cp "$source" "$target/staged" || fail "cp, time $i"
    expect_equal "$(wc -l <"$target/staged"), $(tail -c 1 "$target/staged" | od -An -c)" "40,   \n" "lines, time $i"
    rm "$target/staged"
done
for ((i = 0; i < 50; i++)); do
    cp "$source" "$target/host=a.lp" || fail "cp to a timeline, time $i"
done
kill -0 "$writer" || fail 'the writer ended'
stop "$writer" || true
expect_equal "$(wc -l <"$target/host=a.lp")" 40 'lines in the end'
