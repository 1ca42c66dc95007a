#!/usr/bin/env bash
# A shell's pattern matches what is there, also when one of its jobs ends meanwhile.
# SEMANTICS 9: interrupts.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 3 10
mount_otsfs "local:$work/data" "$work/mnt" -o timeout=30
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
server=$(processes_of "$otslocal" "$work/data")

# is_told SIGNAL: it is pending.
is_told() {
    local pending
    pending=$(awk '/^ShdPnd:/ {print $2}' "/proc/$shell/status")
    (((16#$pending >> ($(kill -l "$1") - 1)) & 1))
}

sleep 1.1 # what is known has grown old
freeze "$server"
# shellcheck disable=SC2016 # the other shell's
bash -c 'sleep 1000 & echo $! >"$1"; names=("$2"/t/mem/*.lp); echo "${#names[@]} ${names[0]##*/}"' \
    bash "$work/job" "$work/mnt" >"$work/names" &
shell=$!
lib_pids+=("$shell")
wait_until test -s "$work/job"
wait_until waits_for_mount "$shell"
kill "$(cat "$work/job")"
wait_until is_told CHLD
# The mount has heard of it before it answers the next.
expect_equal "$(stat -c %F "$work/mnt")" directory 'the mount'
waits_for_mount "$shell" || fail 'the shell went on'
thaw "$server"
wait "$shell" || fail 'the shell failed'
expect_equal "$(cat "$work/names")" "$(find "$work/mnt/t/mem" -name '*.lp' | wc -l) host=h0.lp" 'names'
