#!/usr/bin/env bash
# Others are kept out; with -o allow_other they may read and not write.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || exit 77 # only root can act as somebody else
other() {
    setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

chmod 711 "$work"
mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"
file=$work/mnt/t/m/host=a.lp
echo 'm,host=a v=1i 1000' >"$file"
expect_failure 'Permission denied' other ls "$work/mnt"
expect_failure 'Permission denied' other cat "$file"
unmount_otsfs "$work/mnt"

mount_otsfs "local:$work/data" "$work/mnt" -o allow_other
expect_equal "$(other cat "$file")" 'm,host=a v=1i 1000' 'what others read'
expect_failure 'Permission denied' other dd if=/dev/null of="$file" conv=notrunc
expect_failure 'Permission denied' other mkdir "$work/mnt/t/n"
expect_failure 'Permission denied' other touch "$work/mnt/t/m/host=b.lp"
expect_failure 'Operation not permitted' other chmod 777 "$file"
unmount_otsfs "$work/mnt"

# The files can be somebody else's, and nobody's business.
mount_otsfs "local:$work/data" "$work/mnt" -o "allow_other,uid=65534,gid=65533,umask=027"
expect_equal "$(stat -c '%u %g %a' "$work/mnt")" '65534 65533 750' 'the mount'
expect_equal "$(stat -c '%u %g %a' "$work/mnt/t/m")" '65534 65533 750' 'a measurement'
expect_equal "$(stat -c '%u %g %a' "$file")" '65534 65533 640' 'a file'
other dd of="$file" conv=notrunc oflag=append status=none <<<'m,host=a v=2i 2000' ||
    fail 'the owner may not write'
expect_equal "$(other wc -l <"$file")" 2 'lines that the owner reads'
expect_failure 'Permission denied' setpriv --reuid 65500 --regid 65500 --clear-groups ls "$work/mnt"
setpriv --reuid 65500 --regid 65533 --clear-groups ls "$work/mnt" >/dev/null || fail 'the group may not read'
unmount_otsfs "$work/mnt"

# The mount's own user needs no allow_other for that, and nobody else gets in.
mount_otsfs "local:$work/data" "$work/mnt" -o uid=65534,umask=77
expect_equal "$(stat -c '%u %a' "$file")" "65534 600" 'a file without allow_other'
expect_failure 'Permission denied' other cat "$file"
unmount_otsfs "$work/mnt"

# Read-only: nothing can be changed, everything read.
mount_otsfs "local:$work/data" "$work/mnt" -o ro
wc -l "$file" >/dev/null || fail 'not readable'
expect_failure 'Read-only file system' touch "$file"
expect_failure 'Read-only file system' dd if=/dev/null of="$file" conv=notrunc
expect_failure 'Read-only file system' touch "$work/mnt/t/m/host=new.lp"
expect_failure 'Read-only file system' mkdir "$work/mnt/new"
expect_failure 'Read-only file system' rm -f "$file"
expect_failure 'Read-only file system' rmdir "$work/mnt/t/m"
expect_failure 'Read-only file system' mv "$file" "$work/mnt/t/m/host=b.lp"
