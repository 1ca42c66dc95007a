#!/usr/bin/env bash
# -o precision= prints times in another unit, and takes those that are written to be in it.
# SEMANTICS 5, precision.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/ns"
mkdir "$work/ns/t" "$work/ns/t/m"
lines m,host=a 20 >"$work/ns/t/m/host=a.lp"
for unit in s:9 ms:6 us:3; do
    name=${unit%:*} digits=${unit#*:}
    mount_otsfs "local:$work/data" "$work/$name" -o "precision=$name"
    file=$work/$name/t/m/host=a.lp
    sed "s/0\\{$digits\\}\$//" "$work/ns/t/m/host=a.lp" >"$work/wanted"
    expect_same "$file" "$work/wanted"
    expect_equal "$(stat -c %s "$file")" "$(stat -c %s "$work/wanted")" "size, $name"
    expect_equal "$(tail -n 3 "$file")" "$(tail -n 3 "$work/wanted")" "tail, $name"
    sed 's/host=a/host=b/' "$work/wanted" >"$work/$name/t/m/host=b.lp"
    sync "$work/$name/t"
    sed 's/host=a/host=b/' "$work/ns/t/m/host=a.lp" >"$work/wanted"
    has_arrived() {
        cmp -s "$work/ns/t/m/host=b.lp" "$work/wanted"
    }
    wait_until has_arrived
done

# A time that the unit cannot tell: nobody is shown a wrong one.
echo 'm,host=c v=1i 1700000000000001000' >"$work/ns/t/m/host=c.lp"
sync "$work/ns/t"
is_there() {
    [ -e "$work/$1/t/m/host=c.lp" ]
}
for name in s ms; do
    wait_until is_there "$name"
    expect_failure 'Input/output error' cat "$work/$name/t/m/host=c.lp"
done
wait_until is_there us
expect_equal "$(cat "$work/us/t/m/host=c.lp")" 'm,host=c v=1i 1700000000000001' 'us'

# It has a place and a size, and what lies before it can be read.
{
    echo 'm,host=d v=1i 1700000000000000000'
    echo 'm,host=d v=2i 1700000000500000000'
    echo 'm,host=d v=3i 1700000001000000000'
} >"$work/ns/t/m/host=d.lp"
sync "$work/ns/t"
has_size() {
    [ "$(stat -c %s "$1")" = "$2" ]
}
wait_until has_size "$work/s/t/m/host=d.lp" 75
wait_until has_size "$work/ms/t/m/host=d.lp" 84
expect_equal "$(head -c 25 "$work/s/t/m/host=d.lp")" 'm,host=d v=1i 1700000000' 'the line before it'
expect_failure 'Input/output error' cat "$work/s/t/m/host=d.lp"
expect_equal "$(tail -n 1 "$work/ms/t/m/host=d.lp")" 'm,host=d v=3i 1700000001000' 'in milliseconds'
