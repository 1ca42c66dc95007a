#!/usr/bin/env bash
# Copying N rows of small timelines takes at most 1.1 x N/200 puts, one more for each second: batches
# are full over all files of a table. A machine that is busy lets batches wait for their 0.1 s, so the
# best of some runs counts.
# SEMANTICS 6.1 write: full batches of 200 rows.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 200 20
rows=8000

# puts_of COMMAND...: how many puts it takes.
puts_of() {
    reset_faults
    "$@" || fail "$*"
    expect_equal "$(counter PutTimeseriesData rows_in)" "$rows" "rows that were put: $*"
    puts=$(counter PutTimeseriesData calls)
}
tar -cf "$work/plain.tar" -C "$work/plain" .
# shellcheck disable=SC2317 # copy calls it
unpack() { # unpack FROM TO
    # The kernel asks for a size amid chown(2) by root, and then all rows are sent first.
    tar -xf "$work/plain.tar" --no-same-owner -C "$2"
}
copy() { # copy TABLE TOOL...
    mkdir "$work/mnt/$1"
    "${@:2}" "$work/plain/." "$work/mnt/$1/" && sync "$work/mnt/$1"
}

number=0
for tool in 'cp -r' 'cp -a' 'rsync -a' 'unpack'; do
    best=
    for _ in 1 2 3 4 5; do
        number=$((number + 1))
        # shellcheck disable=SC2086 # words
        puts_of copy "t$number" $tool
        [ "${best:-$puts}" -lt "$puts" ] || best=$puts
        [ "$best" -gt $((rows * 11 / 2000)) ] || break
    done
    echo "$tool: $best puts for $rows rows"
    [ "$best" -le $((rows * 11 / 2000)) ] || fail "$tool: $best puts for $rows rows"
done
