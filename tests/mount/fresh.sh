#!/usr/bin/env bash
# A fresh mount shows the same names, sizes and bytes as the one that wrote.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

show() {
    (
        cd "$1"
        find . -type f -printf '%P %s\n' | sort
        find . -type f -print0 | sort -z | xargs -0 sha256sum
    )
}
mount_otsfs "local:$work/data" "$work/one"
mkdir "$work/one/t" "$work/one/t/m"
# Spelled otherwise than a mount spells them.
cat >"$work/one/t/m/a=2,z=1.lp" <<'LINES'
m,z=1,a=2 v=1.50,u=2i,s="x y" 5000
m,a=2,z=1 b=t 4000999
# comment

m,a=2,z=1 f=1e3 1
LINES
plain_table "$work/plain" 10 60
cp -r "$work/plain/." "$work/one/t/"
show "$work/one" >"$work/one.list"
mount_otsfs "local:$work/data" "$work/two"
show "$work/two" >"$work/two.list"
expect_same "$work/one.list" "$work/two.list"
expect_equal "$(cat "$work/two/t/m/a=2,z=1.lp")" 'm,a=2,z=1 f=1000 0
m,a=2,z=1 s="x y",u=2i,v=1.5 5000
m,a=2,z=1 b=true 4000000' 'canonical spelling'
unmount_otsfs "$work/one"
unmount_otsfs "$work/two"
wait_until no_process_of "$otslocal" "$work/data"
mount_otsfs "local:$work/data" "$work/three"
show "$work/three" >"$work/three.list"
expect_same "$work/one.list" "$work/three.list"
