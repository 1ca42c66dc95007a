#!/usr/bin/env bash
# scripts/deps installs what is missing and nothing else, as root or by sudo. All tools are played.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "$*"
    echo "--- calls:" && cat "$work/calls"
    exit 1
}

# play NAME: a program that notes its arguments, then runs the script on standard input.
play() {
    {
        echo '#!/bin/sh'
        echo "echo \"$1 \$*\" >>$work/calls"
        cat
    } >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}
mkdir "$work/bin"
"$top/scripts/deps" --list all >"$work/all"
grep -qx libfuse3-dev "$work/all" || fail 'no libfuse3-dev in the list'
grep -qx shellcheck "$work/all" || fail 'no shellcheck in the list'
"$top/scripts/deps" --list build >"$work/build"
! grep -qx shellcheck "$work/build" || fail 'shellcheck is not needed to build'

# installed_but NAME...: every package but these
installed_but() {
    grep -vxF "$(printf '%s\n' "$@")" "$work/all" | sed 's/^/installed /' >"$work/installed"
    play dpkg-query <<<"cat $work/installed"
}
run() {
    : >"$work/calls"
    PATH="$work/bin:$PATH" "$top/scripts/deps" "$@" >"$work/out" 2>&1
}
play apt-get <<<'echo chatter; [ ! -e '"$work"'/apt-fails ]'
play apt-cache <<<'exit 0'
play sudo <<<'exec "$@"'
# shellcheck disable=SC2016 # expanded when it runs
play env <<<'while [ "${1#*=}" != "$1" ]; do shift; done; exec "$@"'
play id <<<'echo 0'

installed_but ''
run all || fail 'fails when all is there'
! grep -q apt-get "$work/calls" || fail 'calls apt-get when all is there'

installed_but shellcheck
run build || fail 'build needs no shellcheck'
! grep -q apt-get "$work/calls" || fail 'installs what the group does not need'
run lint || fail 'fails'
grep -q '^apt-get .* install shellcheck$' "$work/calls" || fail 'does not install shellcheck alone'
grep -q 'APT::Install-Recommends=false' "$work/calls" || fail 'installs recommended packages'
! grep -q '^sudo' "$work/calls" || fail 'sudo for root'
grep -q 'installing: shellcheck' "$work/out" || fail 'does not say what it installs'
! grep -q chatter "$work/out" || fail 'shows what apt-get says'

# A package by another name will do.
installed_but libclang-rt-dev
echo 'installed libclang-rt-14-dev' >>"$work/installed"
run test || fail 'fails'
! grep -q apt-get "$work/calls" || fail 'libclang-rt-14-dev does not do'

# Nor is Debian's Go needed where another one is new enough.
installed_but golang-go
play go <<<'echo go1.100'
run conformance || fail 'fails'
! grep -q apt-get "$work/calls" || fail 'installs a second Go'
for old in 'echo go1.18.9' 'exit 1'; do
    play go <<<"$old"
    run conformance || fail 'fails'
    grep -q '^apt-get .* install golang-go$' "$work/calls" || fail "no Go installed beside: $old"
done

# Half-installed is not installed.
installed_but make
echo 'half-configured make' >>"$work/installed"
run build || fail 'fails'
grep -q '^apt-get .* install make$' "$work/calls" || fail 'takes a half-configured package'

# Not root: sudo. Neither: the user is told what to type.
play id <<<'echo 1000'
installed_but gcc g++
run build || fail 'fails'
grep -q '^sudo env .*apt-get .* install g++ gcc$' "$work/calls" || fail 'no sudo'
rm "$work/bin/sudo"
mkdir "$work/few"
for tool in sh dpkg-query apt-get apt-cache id env sort awk sed tr printf find command; do
    path=$(PATH="$work/bin:$PATH" command -v "$tool") || continue
    [ ! -f "$path" ] || ln -s "$path" "$work/few/$tool"
done
ln -s "$(command -v cat)" "$work/few/cat"
! PATH="$work/few" "$top/scripts/deps" build >"$work/out" 2>&1 || fail 'no root, no sudo: succeeds'
grep -q 'apt-get install g++ gcc' "$work/out" || fail "does not say what to type: $(cat "$work/out")"

# What apt-get cannot do ends in an error, and the lists were fetched anew before that.
play id <<<'echo 0'
touch "$work/apt-fails"
! run build || fail 'apt-get fails and deps does not'
grep -q '^apt-get .* update$' "$work/calls" || fail 'no apt-get update'
grep -q chatter "$work/out" || fail 'does not show why apt-get failed'

! run nonsense || fail 'accepts any group'
