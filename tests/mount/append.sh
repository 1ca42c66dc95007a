#!/usr/bin/env bash
# Appending adds rows; writing from the start replaces rows of the same time and keeps others.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"
file=$work/mnt/t/m/host=a.lp

echo 'm,host=a v=1i 1000' >"$file"
echo 'm,host=a v=2i 2000' >>"$file"
for i in 3 4 5; do
    echo "m,host=a v=${i}i ${i}000" >>"$file"
done
expect_same "$file" <(for i in 1 2 3 4 5; do echo "m,host=a v=${i}i ${i}000"; done)

# Half a line now, half a line later, through one open file.
{
    printf 'm,host=a v=6i'
    printf ' 6000\n'
} >>"$file"
expect_equal "$(tail -n 1 "$file")" 'm,host=a v=6i 6000' 'a line in two pieces'

# > truncates nothing: the service has no way to delete a row.
printf 'm,host=a w=true 3000\nm,host=a v=0i 0\n' >"$file"
expect_equal "$(cat "$file")" "m,host=a v=0i 0
m,host=a v=1i 1000
m,host=a v=2i 2000
m,host=a w=true 3000
m,host=a v=4i 4000
m,host=a v=5i 5000
m,host=a v=6i 6000" 'after >'
expect_equal "$(stat -c %s "$file")" "$(wc -c <"$file")" 'size after >'
truncate -s 0 "$file" || fail 'truncate'
expect_equal "$(wc -l <"$file")" 7 'lines after truncate'

# A hole, or bytes that were written already.
expect_failure 'Invalid argument' python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
os.pwrite(fd, b"m,host=a v=7i 7000\n", 0)
os.pwrite(fd, b"m,host=a v=8i 8000\n", 100)' "$file"
expect_equal "$(tail -n 1 "$file")" 'm,host=a v=7i 7000' 'before the hole'
