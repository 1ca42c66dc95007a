#!/usr/bin/env bash
# make install puts the scripts where they find each other, and units that systemd accepts.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL
stage=$work/stage
make -C "$top" install PREFIX="$stage" >"$work/make.log" 2>&1 || fail 'make install'
for name in otsfs-increment otsfs-follow; do
    "$stage/bin/$name" --help >"$work/help" || fail "$name does not find its library"
    grep -q '^usage: ' "$work/help" || fail "help of $name"
    [ -f "$stage/share/man/man1/$name.1" ] || fail "no manual of $name"
    ln -s "$stage/bin/$name" "$work/link"
    "$work/link" --help >"$work/help" || fail "$name by a link"
    rm "$work/link"
done
units=$stage/lib/systemd/system
grep -q "^ExecStart=$stage/bin/otsfs-increment " "$units/otsfs-increment@.service" || fail 'ExecStart'

# The example in the unit is a file of variables.
sed -n 's/^#     //p' "$units/otsfs-increment@.service" >"$work/conf"
expect_equal "$(grep -cE '^[A-Z]+=[^ ].*' "$work/conf")" 3 'variables of the example'
if command -v systemd-analyze >/dev/null; then
    mkdir "$work/units"
    for unit in otsfs-increment@.service otsfs-increment@.timer otsfs-follow@.service; do
        sed '/^Documentation=/d' "$units/$unit" >"$work/units/$unit"
    done
    for unit in otsfs-increment@a.service otsfs-increment@a.timer otsfs-follow@a.service; do
        cp "$work/units/${unit/a./.}" "$work/units/$unit"
        systemd-analyze verify "$work/units/$unit" >"$work/verify" 2>&1 || fail "$unit: $(cat "$work/verify")"
        ! grep -F "$unit" "$work/verify" || fail "$unit: complaints"
    done
fi
