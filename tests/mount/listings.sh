#!/usr/bin/env bash
# What listings of a large directory cost in requests of the kernel: names alone for who only lists,
# and no lookup of each name for who looks at each while listing, whatever was listed before.
# SEMANTICS 3.2.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
timelines=3000

mount_otsfs "local:$work/data" "$work/fill"
mkdir "$work/fill/t"
awk -v count="$timelines" \
    'BEGIN { for (i = 0; i < count; i++) printf "cpu,host=h%06d n=%di %d000000000\n", i, i, 1700000000 }' \
    >"$work/fill/t/.write"
sync "$work/fill/t"
unmount_otsfs "$work/fill"

mkdir "$work/mnt"
"$otsfs" "local:$work/data" "$work/mnt" -d 2>"$work/requests" &
lib_pids+=("$!")
lib_mounts+=("$work/mnt")
wait_until is_mounted "$work/mnt"

# requests OPCODE: how many the kernel has made since the last mark.
requests() {
    tail -c "+$mark" "$work/requests" | grep -ac "opcode: $1 (" || true
}
mark_requests() {
    mark=$(($(stat -c %s "$work/requests") + 1))
}
# expect_few OPCODE WHAT: not one for each name.
expect_few() {
    local count
    count=$(requests "$1")
    [ "$count" -lt $((timelines / 3)) ] || fail "$2: $count requests $1 for $timelines names"
}

for _ in 1 2 3; do
    mark_requests
    expect_equal "$(find "$work/mnt/t/cpu" -name '*.lp' | wc -l)" "$timelines" 'names'
    expect_few LOOKUP 'find -name'
done

mark_requests
# shellcheck disable=SC2010 # what ls does is what is tried
expect_equal "$(ls -l "$work/mnt/t/cpu" | grep -c '\.lp$')" "$timelines" 'ls -l'
expect_few LOOKUP 'ls -l behind listings of names'
expect_few GETATTR 'ls -l behind listings of names'
expect_few GETXATTR 'ls -l behind listings of names'

# The kernel answers for itself.
mark_requests
ls -l "$work/mnt/t/cpu" >/dev/null
[ "$(requests LOOKUP)" -lt 10 ] || fail "ls -l again: $(requests LOOKUP) lookups"
[ "$(requests GETATTR)" -lt 10 ] || fail "ls -l again: $(requests GETATTR) requests of attributes"
