#!/usr/bin/env bash
# What the service cannot do is refused with the errno that says so.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m" "$work/mnt/t/empty"
cd "$work/mnt"
echo 'm,host=a v=1i 1000' >t/m/host=a.lp

expect_failure 'Operation not permitted' rm t/m/host=a.lp
expect_failure 'Operation not permitted' mv t/m/host=a.lp t/m/host=b.lp
expect_failure 'Operation not permitted' mv t/m t/n
expect_failure 'Operation not permitted' rmdir t
expect_failure 'Directory not empty' rmdir t/m
expect_failure 'Not a directory' rmdir t/m/host=a.lp
expect_failure 'No such file or directory' rmdir t/nothing
rmdir t/empty || fail 'rmdir of an empty measurement'
[ ! -e t/empty ] || fail 'it is still there'

expect_failure 'File exists' mkdir t
expect_failure 'File exists' mkdir t/m
for name in a-b 1a .hidden $'tab\t' "$(printf 'x%.0s' $(seq 129))"; do
    expect_failure 'Invalid argument' mkdir "$name"
done
expect_failure 'Invalid argument' mkdir 't/a b'
expect_failure 'Invalid argument' mkdir 't/a%2fb'
expect_failure 'Operation not permitted' mkdir t/m/deeper
expect_equal "$(ls)" t 'tables'

for name in host.lp b=1,a=2.lp a=1,a=2.lp a=%2f.lp; do
    expect_failure 'Invalid argument' cp t/m/host=a.lp "t/m/$name"
done
expect_failure 'Operation not permitted' cp t/m/host=a.lp t/host=b.lp
expect_failure 'Operation not permitted' cp t/m/host=a.lp host=b.lp
expect_failure 'No such file or directory' cat t/m/host=z.lp
expect_failure 'No such file or directory' ls t/.hidden

for command in 'ln t/m/host=a.lp' 'ln -s host=a.lp' mkfifo; do
    # shellcheck disable=SC2086 # words
    if $command t/m/host=b.lp 2>/dev/null; then
        fail "succeeded: $command"
    fi
done
expect_equal "$(ls t/m)" host=a.lp 'timelines'
expect_equal "$(cat t/m/host=a.lp)" 'm,host=a v=1i 1000' 'rows'
cd /
