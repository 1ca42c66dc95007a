#!/usr/bin/env bash
# Rows that the service refuses for good: EIO at fsync, once, and the others are stored.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t"
set_faults '{"rules": [{"failed_rows": [1], "code": "OTSParameterInvalid", "message": "no"}]}'
lines 'cpu,host=a' 3 >"$work/in"
mkdir -p "$work/mnt/t/cpu"
expect_failure 'Input/output error' dd if="$work/in" of="$work/mnt/t/cpu/host=a.lp" bs=64k conv=fsync
[ "$(hits 0)" -ge 1 ] || fail 'no row failed'
reset_faults
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
sed 2d "$work/in" >"$work/wanted"
expect_same "$work/wanted" "$work/mnt/t/cpu/host=a.lp"
