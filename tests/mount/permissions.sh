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
