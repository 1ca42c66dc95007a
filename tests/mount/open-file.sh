#!/usr/bin/env bash
# A file that is open shows what was there when it was opened.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"
file=$work/mnt/t/m/host=a.lp
lines m,host=a 100 >"$work/first"
cp "$work/first" "$file"
exec 5<"$file"
head -c 10 <&5 >"$work/seen"
lines m,host=a 50 100 >>"$file"
lines m,host=a 150 >"$work/both"
expect_same "$file" "$work/both"
cat <&5 >>"$work/seen"
exec 5<&-
expect_same "$work/seen" "$work/first"
expect_same "$file" "$work/both"
