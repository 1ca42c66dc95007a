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

# What the service may have whatever a mount would have named: lines through .write, which gives no
# file a name, listed by a mount that did not write them.
north=$(printf '北%.0s' {1..42}) # 126 bytes
printf '%s v=1i 1000\n' "$north" "$(printf '/%.0s' {1..128})" \
    '..' '.' '../../../etc/passwd' '/' '.write' '.range' '.otsfs' '%2F' '%' '~' '%~' '-rf' '*' \
    "m,$(printf 'n%.0s' {1..128})=$north" "m,a=${north}b,b=$north,c=${north:0:38}" \
    "m,a=$(printf '/%.0s' {1..500})" "m,a=$(printf '"01%.0s' {1..500})" \
    'm,_data_source=../..,a=..' 'm,a=.,b=..,c=/' 'm,..=a' 'm,/=/' 'm,.=.' \
    'm,a=x%~0123456789abcdef0123456789abcdef' \
    'm,a="0A"0D.lp' 'm,a=.lp' 'm,a=x.lp' 'm,a=-' 'm,a=\ \,' 'm,a=""' >"$work/service.lp"
mkdir "$work/one/s"
cat "$work/service.lp" >"$work/one/s/.write" || fail 'writing through .write'
sync "$work/one/s" || fail 'sync'
expect_equal "$(cat "$work/one/.otsfs/errors")" '' 'lines that were rejected'
unmount_otsfs "$work/one"
mount_otsfs "local:$work/data1" "$work/one"
find "$work/one/s" -type f -name '*.lp' -exec cat -- {} + >"$work/found.lp" || fail 'find and cat'
expect_same <(sort "$work/found.lp") <(sort "$work/service.lp")
expect_equal "$(find "$work/one/s" -mindepth 3 | wc -l)" 0 'names too deep'
expect_equal "$(find "$work/one/s" -mindepth 1 -name '.*' | wc -l)" 0 'hidden names'
cp -r "$work/one/s" "$work/two/" || fail 'cp -r of what the service had'
diff -r "$work/one/s" "$work/two/s" || fail 'the copy differs'
tar -C "$work/one" -cf - s | tar -C "$work" -xf - || fail 'tar'
diff -r "$work/one/s" "$work/s" || fail 'what tar carried differs'

# The same through a window of changes, which takes the names from records.
for table in s t; do
    window=$work/one/$table/.changes/$(date -u -d "-1 hour" +%Y%m%d%H%M%SZ)-$(date -u -d "+1 second" +%Y%m%d%H%M%SZ)
    wait_until test -d "$window"
    diff -r "$window" "$work/two/$table" || fail "a window of $table differs"
done
