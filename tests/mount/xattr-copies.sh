#!/usr/bin/env bash
# cp -a and rsync -aX of a table between mounts carry its options and its timelines' attributes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# dump DIR: all extended attributes below it.
dump() {
    (cd "$1" && find . -print0 | sort -z | xargs -0 getfattr -d -m - -e text --) 2>/dev/null
}
same_dump() {
    dump "$work/two/$1" >"$work/got"
    cmp -s "$work/wanted" "$work/got"
}
expect_copy() {
    diff -r "$work/one/t" "$work/two/$1" || fail "$2: the rows differ"
    dump "$work/two/$1" >"$work/got"
    expect_same "$work/wanted" "$work/got"
}

start_otslocal "$work/data1" --admin
log1=$otslocal_log
start_otslocal "$work/data2" --admin
log2=$otslocal_log
mount_otsfs "local:$work/data1" "$work/one"
mount_otsfs "local:$work/data2" "$work/two"

# A table with options, and timelines with and without attributes.
plain_table "$work/plain" 40 3
cp -r "$work/plain" "$work/one/t"
for file in "$work"/one/t/cpu/*.lp; do
    setfattr -n user.ots.attr.rack -v "rack of ${file##*/_data_source}" "$file" 2>/dev/null ||
        setfattr -n user.ots.attr.rack -v "${#file}" "$file" || fail "setfattr $file"
done
setfattr -n user.ots.attr.two -v '' "$work/one/t/mem/host=h7.lp"
setfattr -n user.ots.attr.one -v 'a, b\c' "$work/one/t/mem/host=h7.lp"
setfattr -n user.ots.options -v '{"time_to_live": 2000000000}' "$work/one/t" || fail 'options'
sync "$work/one/t" || fail 'sync'
expect_equal "$(otslocal_log=$log1 counter UpdateTimeseriesMeta calls)" 1 'updates of 41 timelines'
dump "$work/one/t" >"$work/wanted"
expect_equal "$(grep -c '^user.ots.attr' "$work/wanted")" 42 'attributes'

cp -a "$work/one/t" "$work/two/copied" || fail 'cp -a'
sync "$work/two/copied" || fail 'sync after cp -a'
expect_copy copied 'cp -a'

mkdir "$work/two/synced"
rsync -aX "$work/one/t/" "$work/two/synced/" || fail 'rsync -aX'
sync "$work/two/synced" || fail 'sync after rsync -aX'
expect_copy synced 'rsync -aX'
expect_equal "$(rsync -aXi "$work/one/t/" "$work/two/synced/")" '' 'a second rsync'

# What another mount sees is what the service has.
unmount_otsfs "$work/two"
mount_otsfs "local:$work/data2" "$work/two"
expect_copy copied 'cp -a, in a fresh mount'
expect_copy synced 'rsync -aX, in a fresh mount'

# rsync brings changes and removals.
setfattr -x user.ots.attr.two "$work/one/t/mem/host=h7.lp" || fail 'remove'
setfattr -n user.ots.attr.new -v v "$work/one/t/mem/host=h8.lp" || fail 'set'
setfattr -n user.ots.options -v '{"time_to_live": -1}' "$work/one/t" || fail 'options'
dump "$work/one/t" >"$work/wanted"
rsync -aX "$work/one/t/" "$work/two/synced/" || fail 'rsync -aX of changes'
sync "$work/two/synced" || fail 'sync'
expect_copy synced 'rsync -aX of changes'

# From where there are no options: those of a new table are not missed, others are not removed.
rsync -aX "$work/plain/" "$work/two/plain/" || fail 'rsync -aX of plain files'
diff -r "$work/plain" "$work/two/plain" || fail 'plain files differ'
setfattr -n user.ots.options -v '{"time_to_live": 2000000000}' "$work/two/plain"
expect_failure 'Operation not permitted' rsync -aX "$work/plain/" "$work/two/plain/"

# And from a table to plain files and back, if they can have attributes.
if setfattr -n user.test -v x "$work/plain" 2>/dev/null; then
    setfattr -x user.test "$work/plain"
    cp -a "$work/one/t" "$work/kept" || fail 'cp -a to plain files'
    dump "$work/kept" >"$work/got"
    expect_same "$work/wanted" "$work/got"
    cp -a "$work/kept" "$work/two/restored" || fail 'cp -a from plain files'
    expect_copy restored 'a copy of a copy'
fi

# Attributes were sent in few requests, and asked for by measurement.
otslocal_log=$log2
updates=$(counter UpdateTimeseriesMeta calls)
[ "$updates" -le 20 ] || fail "$updates updates"
asked=$(counter QueryTimeseriesMeta calls)
dump "$work/two/copied" >/dev/null
asked=$(($(counter QueryTimeseriesMeta calls) - asked))
[ "$asked" -le 10 ] || fail "$asked questions about two measurements"
