#!/usr/bin/env bash
# Many files with much text can be open, each with a temporary file of otsfs: its limit of
# descriptors is as high as it may be, whatever the soft one was.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 512 ] || {
    echo 'the hard limit of descriptors is low: not tested'
    exit 0
}
soft=$(ulimit -Sn)
ulimit -Sn 128
mount_otsfs "local:$work/data" "$work/mnt"
ulimit -Sn "$soft"
m=$work/mnt/t/m
mkdir "$work/mnt/t" "$m"

# All at once; holes take no room.
for i in $(seq 200); do
    truncate -s 5M "$m/draft$i" || fail "temporary file $i"
done
expect_equal "$(stat -c %s "$m/draft200")" $((5 * 1024 * 1024)) 'size of the last'
printf x | dd of="$m/draft200" bs=1 seek=5000000 conv=notrunc status=none
expect_equal "$(tail -c +5000001 "$m/draft200" | head -c 1)" x 'text of the last'
unmount_otsfs "$work/mnt"
