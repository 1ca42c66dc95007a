#!/usr/bin/env bash
# cp -r carries a table from one mount to another, byte by byte; tar and rsync do too.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 40 25
mount_otsfs "local:$work/data1" "$work/one"
mount_otsfs "local:$work/data2" "$work/two"

cp -r "$work/plain" "$work/one/t"
sync "$work/one/t"
diff -r "$work/plain" "$work/one/t" || fail 'what was written is not what is there'

cp -r "$work/one/t" "$work/two/"
diff -r "$work/one/t" "$work/two/t" || fail 'the copy differs'
expect_equal "$(find "$work/two/t" -name '*.lp' | wc -l)" 80 'timelines of the copy'

# A second copy over the first changes nothing.
cp -r "$work/one/t" "$work/two/"
diff -r "$work/plain" "$work/two/t" || fail 'the second copy differs'

tar -C "$work/one" -cf "$work/t.tar" t
mkdir "$work/two/u"
tar -C "$work/two/u" --strip-components=1 -xf "$work/t.tar" || fail 'tar'
diff -r "$work/plain" "$work/two/u" || fail 'what tar unpacked differs'
tar -C "$work/two/u" --strip-components=1 -xf "$work/t.tar" --overwrite || fail 'tar over it'

if command -v rsync >/dev/null; then
    rsync -r --inplace "$work/one/t/" "$work/two/v" || fail 'rsync'
    diff -r "$work/plain" "$work/two/v" || fail 'what rsync copied differs'
    # Nothing has changed, so it has nothing to send.
    rsync -r --inplace --size-only --stats "$work/one/t/" "$work/two/v" >"$work/rsync.out"
    grep -q '^Number of regular files transferred: 0$' "$work/rsync.out" || fail 'rsync sent again'
fi
