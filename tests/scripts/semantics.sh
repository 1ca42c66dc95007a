#!/usr/bin/env bash
# tests/README.md names tests that exist, every script of tests/mount, and every section of
# SEMANTICS.md that says what operations do.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$top/tests"

# shellcheck disable=SC2016 # backquotes of Markdown
grep -oE '`(mount|scripts|unit|loop|conformance|soak)/[a-z_.-]+`' README.md | tr -d '`' | sort -u >"$work/named"
while read -r name; do
    [ -f "$name" ] || fail "tests/README.md names $name, which is not there"
done <"$work/named"
find mount -maxdepth 1 -name '*.sh' | sort >"$work/scripts"
expect_equal "$(comm -23 "$work/scripts" "$work/named")" '' 'scripts that tests/README.md leaves out'

sed -n 's/^##* \([0-9.]*[0-9]\)\.* .*/\1/p' ../docs/SEMANTICS.md | grep -vx 6 >"$work/sections"
[ "$(wc -l <"$work/sections")" -ge 12 ] || fail 'sections of SEMANTICS.md'
while read -r section; do
    grep -q "^| $section |" README.md || fail "section $section of SEMANTICS.md has no test in tests/README.md"
done <"$work/sections"
