#!/usr/bin/env bash
# A table that rsync copied is not copied again: at once, later, and after both mounts were mounted
# anew or killed. Nothing moves and no row is read. cp -u, rsync -c and diff agree.
# SEMANTICS 3.1, 3.2, 4 (mtime).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/src" --admin
start_otslocal "$work/dst" --admin
mount_both() {
    mount_otsfs "local:$work/src" "$work/one"
    mount_otsfs "local:$work/dst" "$work/two"
}

# nothing WHAT COMMAND...: it prints nothing, puts nothing and reads no row.
nothing() {
    local what=$1 dir
    shift
    count_from "$work/src"
    count_from "$work/dst"
    "$@" >"$work/moved" 2>&1 || fail "$what: exit status $?: $(head -n 5 "$work/moved")"
    expect_equal "$(head -n 5 "$work/moved")" '' "$what"
    for dir in src dst; do
        expect_counted "$work/$dir" 0 rows_put GetTimeseriesData ScanTimeseriesData SplitTimeseriesScanTask
    done
}
rsync_itemized() {
    rsync -ai "$@" "$work/one/t/" "$work/two/t/"
}
copies_nothing() {
    nothing "rsync $1" rsync_itemized
    nothing "cp -u $1" cp -rTuv "$work/one/t" "$work/two/u"
}

# Somebody else wrote the table.
mount_other "local:$work/src"
plain_table "$work/plain" 150 6
cp -r "$work/plain" "$other/t"
sync "$other/t"
unmount_otsfs "$other"

mount_both
# No mount with this state has looked into the table: else its directory has the time of the first sight.
ls "$work/one/t" >/dev/null
rsync -a "$work/one/t/" "$work/two/t/" || fail "rsync's exit status $?"
sync "$work/two/t"
nothing 'rsync at once' rsync_itemized
cp -r "$work/one/t" "$work/two/u" || fail 'cp -r'
sync "$work/two/u"
copies_nothing 'at once'
sleep 3
copies_nothing 'after 3 s'
unmount_otsfs "$work/one"
unmount_otsfs "$work/two"
mount_both
copies_nothing 'after mounting anew'
kill_otsfs "$work/one"
kill_otsfs "$work/two"
mount_both
copies_nothing 'after a kill'

expect_equal "$(rsync_itemized -c)" '' 'rsync -c'
diff -r "$work/one/t" "$work/two/t" || fail 'the copies differ'
diff -r "$work/plain" "$work/two/t" || fail 'the copy differs'
sizes_are_exact "$work/one/t" || fail 'sizes of the source'
sizes_are_exact "$work/two/t" || fail 'sizes of the copy'
copies_nothing 'after reading'

# One row corrected by somebody else, as long as before: one file, and then nothing again.
mount_other "local:$work/src"
sed -n 's/count=7i/count=8i/p' "$work/plain/mem/host=h77.lp" | other_writes t/mem/host=h77.lp
wait_for_polls "$work/one"
rsync -ai "$work/one/t/" "$work/two/t/" >"$work/moved" || fail "rsync's exit status $?"
expect_equal "$(grep '^[<>]' "$work/moved" | cut -d ' ' -f 2)" mem/host=h77.lp 'what a correction makes rsync copy'
expect_same "$work/two/t/mem/host=h77.lp" <(sed 's/count=7i/count=8i/' "$work/plain/mem/host=h77.lp")
nothing 'rsync after a correction' rsync_itemized
