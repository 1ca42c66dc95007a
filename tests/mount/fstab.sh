#!/usr/bin/env bash
# mount(8) and fstab: the real mount, which runs mount.fuse3, which runs otsfs in the background.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

[ "$(id -u)" = 0 ] || exit 77 # mount(8) is for root
PATH=$PATH:/usr/sbin:/sbin
[ -x "$(command -v mount.fuse3)" ] || fail 'mount.fuse3 is missing: package fuse3'
# mount(8) looks for otsfs in the system's folders only, unless the type has a path.
type=fuse.$otsfs
options=state_dir=$work/states/fstab
mkdir "$work/mnt"
lib_mounts+=("$work/mnt")
# mounts TEXT: the line of the kernel's table has it.
mounts() {
    grep -F " $work/mnt " /proc/self/mounts | grep -qF -- "$1"
}
unmount() {
    umount "$work/mnt" || fail 'umount'
    is_unmounted "$work/mnt" || fail 'still mounted'
    wait_until no_process_of "$otsfs" "$work/mnt"
}

mount -t "$type" "local:$work/data" "$work/mnt" -o "$options,umask=022,_netdev,x-systemd.automount" \
    </dev/null >"$work/mount.log" 2>&1 || fail "mount: $(cat "$work/mount.log")"
mounts " fuse.otsfs rw" || fail "$(grep -F "$work" /proc/self/mounts)"
mkdir "$work/mnt/t" "$work/mnt/t/m"
echo 'm,host=a v=1i 1000' >"$work/mnt/t/m/host=a.lp"
sync "$work/mnt/t"
unmount

# What is wrong comes from otsfs to who typed mount.
expect_failure 'unknown option -o precison=ms' \
    mount -t "$type" "local:$work/data" "$work/mnt" -o "$options,precison=ms"
expect_failure 'no/such' mount -t "$type" "local:$work/no/such" "$work/mnt" -o "$options"
is_unmounted "$work/mnt" || fail 'mounted'

cat >"$work/fstab" <<FSTAB
local:$work/data,local:$work/data2  $work/mnt  $type  ro,noauto,nofail,_netdev,allow_other,$options  0  0
FSTAB
mount -T "$work/fstab" "$work/mnt" </dev/null >"$work/mount.log" 2>&1 ||
    fail "mount -T: $(cat "$work/mount.log")"
mounts " fuse.otsfs ro" || fail "$(grep -F "$work" /proc/self/mounts)"
expect_equal "$(cat "$work/mnt/data/t/m/host=a.lp")" 'm,host=a v=1i 1000' 'what is read'
expect_failure 'Read-only file system' touch "$work/mnt/data/t/m/host=a.lp"
unmount
