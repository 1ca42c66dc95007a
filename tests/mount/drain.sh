#!/usr/bin/env bash
# Unmounting, and SIGTERM, store what was written right before.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 20 30
for round in unmount terminate; do
    mount_otsfs "local:$work/data" "$work/$round"
    cp -r "$work/plain" "$work/$round/$round"
    if [ "$round" = unmount ]; then
        fusermount3 -u -- "$work/$round"
    else
        kill "$(processes_of "$otsfs" "$work/$round")"
    fi
    wait_until is_unmounted "$work/$round"
    wait_until no_process_of "$otsfs" "$work/$round"
    mount_otsfs "local:$work/data" "$work/fresh-$round"
    diff -r "$work/plain" "$work/fresh-$round/$round" || fail "rows were lost at $round"
    unmount_otsfs "$work/fresh-$round"
done
