#!/usr/bin/env bash
# Names with slashes, dots, control bytes and many-byte characters survive cp -r.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data1" "$work/one"
mount_otsfs "local:$work/data2" "$work/two"
mkdir "$work/one/t"

# shellcheck disable=SC2016 # names that a shell would take for something
# Each line begins with its directory and its file, as docs/LINE-PROTOCOL.md names them.
hostile() {
    local slashes long
    slashes=$(printf '%%2F%.0s' {1..60})
    long=$(printf 'x%.0s' {1..150})
    printf '%s\n' \
        'a%2Fb|_.lp|a/b v=1i 1000' \
        '%2E.|_.lp|.. v=1i 1000' \
        '%2Ehidden|host=..lp|.hidden,host=. v=1i 1000' \
        '%2E.dots|a=..%2F..%2Fetc%2Fpasswd.lp|..dots,a=../../etc/passwd v=1i 1000' \
        'm|a=%0A%09%7F.lp|m,a="0A"09"7F v=1i 1000' \
        'm|a=%20x%20.lp|m,a=\ x\  v=1i 1000' \
        'm|a=-rf.lp|m,a=-rf v=1i 1000' \
        'm|a=;*?&$HOME.lp|m,a=;*?&$HOME v=1i 1000' \
        'm|city=北京🌡.lp|m,city=北京🌡 v=1i 1000' \
        'm|_data_source=%2C%2C.lp|m,_data_source=\,\, v=1i 1000' \
        "m|a=$long.lp|m,a=$long v=1i 1000" \
        "m|a=$slashes.lp|m,a=${slashes//%2F//} v=1i 1000"
}
hostile | while IFS='|' read -r directory file line; do
    mkdir -p "$work/one/t/$directory" || fail "mkdir $directory"
    printf '%s\n' "$line" >"$work/one/t/$directory/$file" || fail "write $directory/$file"
    expect_equal "$(cat "$work/one/t/$directory/$file")" "$line" "$directory/$file"
done

# What stands for more than 240 bytes: the name is a prefix and a hash, and is accepted as such.
printf 'm,k=%s v=1i 1000\n' "$(printf 'y%.0s' {1..400})" >"$work/long.lp"
hash=$(printf 'k=%s' "$(printf 'y%.0s' {1..400})" | sha256sum | cut -c1-32)
name="k=$(printf 'y%.0s' {1..201})%~$hash.lp"
expect_equal "${#name}" 240 'length of a hashed name'
cp "$work/long.lp" "$work/one/t/m/$name" || fail 'a hashed name'
expect_same "$work/one/t/m/$name" "$work/long.lp"

cp -r "$work/one/t" "$work/two/" || fail 'cp -r'
diff -r "$work/one/t" "$work/two/t" || fail 'the copy differs'
unmount_otsfs "$work/two"
mount_otsfs "local:$work/data2" "$work/two"
diff -r "$work/one/t" "$work/two/t" || fail 'a fresh mount differs'
expect_equal "$(find "$work/two/t" -name '*.lp' | wc -l)" 13 'timelines'
