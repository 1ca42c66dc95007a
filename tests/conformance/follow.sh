#!/usr/bin/env bash
# What the official Python SDK changes in a table, seen by mounts that follow it: copies of 5,000 timelines
# that move nothing when nothing changed and what has changed else, and windows of `.changes` that hold
# what was written, once.
#   tests/conformance/follow.sh BUILD_DIR [copies|changes|windows...]
set -euo pipefail
OTS_BUILD=$(cd "${1:?usage: follow.sh BUILD_DIR [PART...]}" && pwd)
shift
export OTS_BUILD PYTHONDONTWRITEBYTECODE=1
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

timelines=${OTS_TIMELINES:-5000}
one=$work/one two=$work/two
passed=0 failed=0

# check WHAT COMMAND...: one case.
check() {
    local what=$1
    shift
    if ("$@") >"$work/check.out" 2>&1; then
        passed=$((passed + 1))
        echo "ok: $what"
    else
        failed=$((failed + 1))
        echo "FAIL: $what"
        head -n 20 "$work/check.out"
    fi
}
# sdk COMMAND...: of follow.py, on the source.
sdk() {
    OTS_CONFIG=$work/src.json "$python" "$top/tests/conformance/follow.py" "$@"
}

mount_both() {
    mount_otsfs src "$one" -o "config=$work/src.json,settle=1"
    mount_otsfs dst "$two" -o "config=$work/dst.json"
}
unmount_both() {
    unmount_otsfs "$one"
    unmount_otsfs "$two"
}

count_both() {
    count_from "$work/src"
    count_from "$work/dst"
}
# no_row_is_read: since count_both.
no_row_is_read() {
    local dir
    for dir in src dst; do
        expect_counted "$work/$dir" 0 GetTimeseriesData ScanTimeseriesData SplitTimeseriesScanTask rows_put
    done
}
# moves_nothing COMMAND...: it prints nothing and nothing is read.
moves_nothing() {
    local moved
    count_both
    moved=$("$@") || fail "exit status $?: $*"
    expect_equal "$(head -n 5 <<<"$moved")" '' "$*"
    no_row_is_read
}
# rsync_itemized [OPTION...]: a table that was not looked into yet shows the time at which it was first seen.
rsync_itemized() {
    rsync -ai "$@" "$one/t/" "$two/t/" >"$work/items" || return
    grep -vFx '.d..t...... ./' "$work/items" || true
}
rsync_moves_nothing() {
    moves_nothing rsync_itemized
    rsync -a --stats "$one/t/" "$two/t/" | grep -qx 'Number of regular files transferred: 0'
}

# --- a copy that is repeated ---------------------------------------------------------------------------
copies() {
    check "the SDK writes $timelines timelines" sdk write t "$timelines"
    check 'rsync copies them' rsync -a "$one/t/" "$two/t/"
    sync "$two/t"
    check 'rsync again, at once' rsync_moves_nothing
    sleep 10
    check 'rsync after 10 s' rsync_moves_nothing
    unmount_both
    mount_both
    check 'rsync after both were mounted anew' rsync_moves_nothing
    check 'cp -u' moves_nothing cp -rTuv "$one/t" "$two/t"
    check 'rsync -c' rsync_c_moves_nothing
    check 'diff -r' diff -r "$one/t" "$two/t"
    check 'sizes of the source' sizes_are_exact "$one/t"
    check 'sizes of the copy' sizes_are_exact "$two/t"
    check 'the copy is what the SDK reads from the source' sdk compare t "$work/dst.json" t
    check 'rsync after all was read' rsync_moves_nothing
}
rsync_c_moves_nothing() {
    expect_equal "$(rsync_itemized -c)" '' 'what rsync -c moves'
}

# --- changes by the SDK --------------------------------------------------------------------------------
changes() {
    sizes "$one/t" >"$work/before"
    check 'the SDK changes 17 files' sdk change t "$work/changed"
    expect_equal "$(wc -l <"$work/changed")" 17 'changed files'
    check 'ls -l shows it after two polls' listing_shows_changes
    check 'sizes after the changes' sizes_are_exact "$one/t"
    check 'rsync moves these 17 files' rsync_moves_the_changes
    check 'the copy is what the SDK reads from the source, again' sdk compare t "$work/dst.json" t
    check 'sizes of the copy after it' sizes_are_exact "$two/t"
    check 'rsync, then, moves nothing' rsync_moves_nothing
    unmount_both
    mount_both
    check 'and nothing after both were mounted anew' rsync_moves_nothing
    check 'while they are not mounted the SDK changes 17 files' changes_while_unmounted
    check 'rsync moves those' rsync_moves_the_changes
    check 'and the copy is equal once more' sdk compare t "$work/dst.json" t
}
sizes() {
    find "$1" -type f -printf '%P %s %T@\n' | sort
}
listing_shows_changes() {
    wait_for_polls "$one"
    ls -lR "$one/t" >"$work/ls"
    sizes "$one/t" >"$work/after"
    comm -13 "$work/before" "$work/after" | cut -d ' ' -f 1 | sort >"$work/shown"
    expect_same "$work/changed" "$work/shown"
}
changes_while_unmounted() {
    unmount_both
    sdk change t "$work/changed"
    mount_both
}
rsync_moves_the_changes() {
    rsync -ai "$one/t/" "$two/t/" >"$work/moved" || fail "rsync's exit status $?"
    grep '^[<>ch]f' "$work/moved" | cut -d ' ' -f 2- | sort >"$work/files"
    expect_same "$work/changed" "$work/files"
    sync "$two/t"
}

# --- windows of changes --------------------------------------------------------------------------------
name_of() {
    date -u -d "@$1" +%Y%m%d%H%M%SZ
}
is_later_than() {
    [ "$(date +%s)" -gt "$1" ]
}
windows() {
    local first last at names=()
    check 'the SDK writes into an own table' sdk write w 50
    wait_until test -d "$one/w"
    first=$(($(date +%s) + 1))
    wait_until is_later_than "$first"
    sdk stream w "$work/written" "$work/stop" &
    local writer=$!
    lib_pids+=("$writer")
    sleep 2
    split_shard "$work/src" w
    sleep 2
    split_shard "$work/src" w
    sleep 1.5
    merge_shards "$work/src" w
    sleep 2
    : >"$work/stop"
    wait "$writer" || fail 'the SDK does not write while shards split and merge'
    last=$(date +%s)
    wait_until is_later_than "$last"
    last=$((last + 1))
    # Of one second, two, three, ...
    at=$first
    local step=1 to
    while [ "$at" -lt "$last" ]; do
        to=$((at + step < last ? at + step : last))
        names+=("$(name_of "$at")-$(name_of "$to")")
        at=$to
        step=$((step % 3 + 1))
    done
    [ ${#names[@]} -ge 3 ] || fail 'too few windows for this test'
    lib_wait_s=20 wait_until test -d "$one/w/.changes/${names[-1]}"
    check "the union of ${#names[@]} windows is what was written" union_is_complete "${names[@]}"
    check 'so is one window of all of it' \
        sdk window "$work/written" "$one/w/.changes/$(name_of "$first")-$(name_of "$last")"
    check 'a window reads the same again' reads_the_same "$one/w/.changes/${names[1]}"
    chain "$first" "$last" "${names[@]}"
}
union_is_complete() {
    sdk windows "$work/written" "${@/#/$one/w/.changes/}"
}
reads_the_same() {
    listing "$1" >"$work/first"
    listing "$1" >"$work/second"
    expect_same "$work/first" "$work/second"
    unmount_otsfs "$one"
    mount_otsfs src "$one" -o "config=$work/src.json,settle=1"
    listing "$1" >"$work/second"
    expect_same "$work/first" "$work/second"
}

# chain FIRST LAST WINDOW...: the windows by otsfs-increment, one after another.
chain() {
    local window
    shift 2
    PATH=$top/scripts:$PATH
    check 'the SDK makes the copy that increments go on from' sdk begin w "$work/dst.json" w
    wait_until test -d "$two/w"
    for window; do
        check "otsfs-increment of $window" otsfs-increment "$one/w" "$two/w" \
            --start "${window%-*}" --end "${window#*-}" --state "$work/increments"
    done
    check 'after all increments the copy is equal' sdk compare w "$work/dst.json" w
    listing "$two/w" >"$work/before"
    check 'the newest window again' otsfs-increment "$one/w" "$two/w" \
        --start "${window%-*}" --end "${window#*-}" --state "$work/increments"
    check 'the first window and all behind it again' otsfs-increment "$one/w" "$two/w" \
        --start "${1%-*}" --end "${1#*-}" --state "$work/increments"
    listing "$two/w" >"$work/after"
    check 'they change nothing' expect_same "$work/before" "$work/after"
    check 'and the copy is still equal' sdk compare w "$work/dst.json" w
}

conformance_python
serve src --admin
serve dst --admin
mount_both
[ $# -gt 0 ] || set -- copies changes windows
for part; do
    "$part"
done
unmount_both
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
