#!/usr/bin/env bash
# Temporary names: files of the mount's own until they are renamed to a timeline.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# rename FROM TO [FLAGS]: prints the error's name.
rename() {
    python3 - "$@" <<'PYTHON'
import ctypes
import errno
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
source, target, flags = sys.argv[1].encode(), sys.argv[2].encode(), int((sys.argv + [0])[3])
done = libc.renameat2(-100, source, -100, target, flags)
print(errno.errorcode[ctypes.get_errno()] if done else "done")
PYTHON
}

mount_otsfs "local:$work/data" "$work/mnt"
m=$work/mnt/t/m
mkdir "$work/mnt/t" "$m" "$work/mnt/t/other"

# Written anywhere, unlisted, found by name.
lines 'm,host=a' 100 >"$work/plain.lp"
cp "$work/plain.lp" "$m/draft"
expect_same "$m/draft" "$work/plain.lp"
expect_equal "$(stat -c '%s %a %F' "$m/draft")" "$(stat -c %s "$work/plain.lp") 644 regular file" 'stat'
printf 'XY' | dd of="$m/draft" bs=1 seek=10 conv=notrunc status=none
{ head -c 10 "$work/plain.lp" && printf 'XY' && tail -c +13 "$work/plain.lp"; } >"$work/changed"
expect_same "$m/draft" "$work/changed"
truncate -s 5 "$m/draft"
truncate -s 8 "$m/draft"
expect_same "$m/draft" <(head -c 5 "$work/plain.lp" && printf '\0\0\0')
printf 'more' >>"$m/draft"
printf 'short' >"$m/cut"
printf 'er' >"$m/cut"
expect_equal "$(cat "$m/cut")" er 'written over'
rm "$m/cut"
expect_equal "$(tail -c 4 "$m/draft")" more 'appended'
touch -d '2001-02-03 04:05:06.789 UTC' "$m/draft"
expect_equal "$(stat -c %.3Y "$m/draft")" 981173106.789 'time'
expect_equal "$(ls -A "$m")" '' 'listing'
mv "$m/draft" "$m/.draft"
[ ! -e "$m/draft" ] || fail 'the old name'
expect_equal "$(stat -c %.3Y "$m/.draft")" 981173106.789 'time after a rename'

# Removed while it is open.
exec 3<>"$m/.draft"
rm "$m/.draft"
[ ! -e "$m/.draft" ] || fail 'removed'
printf 'still here' >&3
expect_equal "$(head -c 10 "/proc/$$/fd/3")" 'still here' 'removed and open'
exec 3>&-

# To a timeline, in another measurement too: content and time.
sed 's/^m,/other,/' "$work/plain.lp" >"$work/other.lp"
cp "$work/plain.lp" "$m/staged"
touch -d '2001-02-03 04:05:06.789 UTC' "$m/staged"
mv "$m/staged" "$m/host=a.lp"
expect_same "$m/host=a.lp" "$work/plain.lp"
expect_equal "$(stat -c %.3Y "$m/host=a.lp")" 981173106.789 'time of the timeline'
[ ! -e "$m/staged" ] || fail 'the staged name'
cp "$work/other.lp" "$m/staged"
mv "$m/staged" "$work/mnt/t/other/host=a.lp"
expect_same "$work/mnt/t/other/host=a.lp" "$work/other.lp"
expect_equal "$(ls "$m" "$work/mnt/t/other")" "$m:
host=a.lp

$work/mnt/t/other:
host=a.lp" 'listings'

# What cannot be done.
cp "$work/plain.lp" "$m/staged"
mv -n "$m/staged" "$m/host=a.lp" || true
expect_same "$m/staged" "$work/plain.lp"
expect_failure 'Operation not permitted' mv "$m/host=a.lp" "$m/saved"
expect_failure 'Operation not permitted' mv "$m/host=a.lp" "$m/host=b.lp"
expect_failure 'Operation not permitted' rm "$m/host=a.lp"
expect_failure 'Operation not permitted' cp "$work/plain.lp" "$work/mnt/t/draft"
expect_failure 'Operation not permitted' mv "$m/staged" "$work/mnt/t/draft"
expect_failure 'No such file' mv "$m/nothing" "$m/host=a.lp"
expect_equal "$(rename "$m/staged" "$m/host.lp")" EINVAL 'a name that is no timeline'
expect_equal "$(rename "$m/staged" "$m/host=a.lp" 1)" EEXIST 'RENAME_NOREPLACE'
expect_equal "$(rename "$m/staged" "$m/host=a.lp" 2)" EINVAL 'RENAME_EXCHANGE'
expect_equal "$(rename "$m/staged" "$m/other" 1)" 'done' 'RENAME_NOREPLACE'
expect_equal "$(rename "$m/other" "$m/staged")" 'done' 'back'

# Bad lines fail the rename; the others are stored, and the file stays to be mended.
{ lines 'm,host=c' 10 && echo 'm,host=c v=x 1' && lines 'm,host=d' 1; } >"$m/mixed"
expect_equal "$(rename "$m/mixed" "$m/host=c.lp")" EINVAL 'bad lines'
expect_same "$m/host=c.lp" <(lines 'm,host=c' 10)
expect_equal "$(wc -l <"$m/mixed")" 12 'lines of the staged file'
printf 'm,host=e v=1i 1000\nm,host=e v=2i 20' >"$m/cut"
expect_equal "$(rename "$m/cut" "$m/host=e.lp")" EINVAL 'a last line'
expect_equal "$(cat "$m/host=e.lp")" 'm,host=e v=1i 1000' 'a last line without its end'

# Large ones are in a file in $TMPDIR, and gone with the mount.
lines 'm,host=f' 100000 >"$work/large.lp"
cp "$work/large.lp" "$m/large"
expect_same "$m/large" "$work/large.lp"
mv "$m/large" "$m/host=f.lp"
sync "$work/mnt/t"
cmp "$m/host=f.lp" "$work/large.lp" || fail 'a large file'
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
[ ! -e "$m/mixed" ] || fail 'a staged file outlived its mount'
cmp "$m/host=f.lp" "$work/large.lp" || fail 'a large file after a mount'
