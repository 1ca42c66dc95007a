#!/usr/bin/env bash
# Modification times: the newest row, what a tool sets, and a write.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mtime() {
    date -u -d "@$(stat -c %.9Y "$1")" +%FT%T.%N
}

plain_table "$work/plain" 2 10
touch -d 2020-02-02T02:02:02.123456789Z "$work/plain/mem/host=h0.lp"
touch -d 2021-01-01T00:00:00Z "$work/plain/mem"
mount_otsfs "local:$work/data1" "$work/one"
mount_otsfs "local:$work/data2" "$work/two"

cp -a "$work/plain" "$work/one/t" || fail 'cp -a'
expect_equal "$(mtime "$work/one/t/mem/host=h0.lp")" 2020-02-02T02:02:02.123456789 'after cp -a'
expect_equal "$(mtime "$work/one/t/mem")" 2021-01-01T00:00:00.000000000 'of a directory after cp -a'
cp -a "$work/one/t" "$work/two/" || fail 'cp -a between mounts'
expect_equal "$(mtime "$work/two/t/mem/host=h0.lp")" 2020-02-02T02:02:02.123456789 'after cp -a'
diff -r "$work/plain" "$work/two/t" || fail 'the copy differs'

file=$work/two/t/mem/host=h1.lp
touch -d 2019-01-01T00:00:00.5Z "$file"
expect_equal "$(mtime "$file")" 2019-01-01T00:00:00.500000000 'after touch'
for when in 9999-12-31 2300-01-01 1900-01-01; do
    touch -d "$when" "$file" || fail "touch -d $when"
done
touch "$file"
before=$(date -u +%FT%T.%N)
echo 'mem,host=h1 v=1i 1000' >>"$file"
[[ $(mtime "$file") > $before ]] || fail 'a write is no modification'

# Modes and owners are accepted and stay.
chmod 600 "$file" || fail 'chmod'
chown "$(id -u):$(id -g)" "$file" || fail 'chown'
expect_equal "$(stat -c %a "$file")" 644 'mode'

# Another mount knows only the rows.
unmount_otsfs "$work/one"
mount_otsfs "local:$work/data1" "$work/fresh"
expect_equal "$(mtime "$work/fresh/t/mem/host=h0.lp")" 2023-11-14T22:13:29.000000000 'the newest row'
