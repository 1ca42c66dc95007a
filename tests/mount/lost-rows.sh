#!/usr/bin/env bash
# What only the service refuses is told by fsync, by close, and once by sync DIR.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"
file=$work/mnt/t/m/host=a.lp

# A row may have 4 MB; its values 2 MiB each.
big=$(head -c 2000000 /dev/zero | tr '\0' x)
{
    echo 'm,host=a v=1i 1000'
    printf 'm,host=a a="%s",b="%s",c="%s" 2000\n' "$big" "$big" "$big"
    echo 'm,host=a v=3i 3000'
} >"$work/plain.lp"
expect_failure 'error' dd if="$work/plain.lp" of="$file" bs=1M conv=fsync,notrunc
printf 'm,host=a v=1i 1000\nm,host=a v=3i 3000\n' >"$work/wanted"
expect_same "$file" "$work/wanted"
expect_failure 'Input/output error' sync "$work/mnt/t"
sync "$work/mnt/t" || fail 'told twice'
sync "$file" || fail 'told by a new file'
cp "$work/wanted" "$file" || fail 'a good file after a bad one'
