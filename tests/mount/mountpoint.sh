#!/usr/bin/env bash
# Mistakes with mount points and command lines: one line that says what to do, and nothing mounted.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# expect_refused MESSAGE ARGUMENT...: exit status 1 and one line.
expect_refused() {
    local message=$1 status=0
    shift
    timeout 30 "$otsfs" "$@" </dev/null >"$work/out" 2>&1 || status=$?
    expect_equal "$status" 1 "exit status of otsfs $*"
    expect_equal "$(wc -l <"$work/out")" 1 "lines: $(cat "$work/out")"
    grep -qF -- "$message" "$work/out" || fail "no '$message' but: $(cat "$work/out")"
}

data=local:$work/data
mnt=$work/mnt
touch "$work/file"
expect_refused "make it first: mkdir -p $mnt" "$data" "$mnt"
expect_refused 'is not a directory' "$data" "$work/file"
expect_refused '-o cache_dir=/nowhere: No such file' "$data" "$work" -o cache_dir=/nowhere
expect_refused ': Not a directory' "$data" "$work" -o "cache_dir=$work/file"
[ ! -e "$work/data" ] || fail 'an instance was made for a mount that cannot be'
expect_refused 'see otsfs --help' "$data"
expect_refused 'see otsfs --help' "$data" "$mnt" --nonsense
expect_refused 'otsfs: Local:/x: is no local:DIR' Local:/x "$work"

mount_otsfs "$data" "$mnt"
expect_refused "$data is mounted there already" "local:$work/other" "$mnt"
cd "$work"
expect_refused "$data is mounted there already" "$data" mnt/
expect_equal "$(grep -cF " $mnt " /proc/self/mounts)" 1 'mounts'

# Its process is killed: the mount is still there, and dead.
kill -KILL "$(processes_of "$otsfs" "$mnt")"
is_dead() {
    ! stat "$mnt" >/dev/null 2>&1
}
wait_until is_dead
expect_refused "clean up first: fusermount3 -u $mnt" "$data" "$mnt"
fusermount3 -u "$mnt"
# A relative path is that of the shell, though the daemon goes elsewhere.
mkdir "$work/cache"
mount_otsfs "$data" "$mnt" -o cache_dir=cache
expect_equal "$(jq -r .options.cache_dir "$mnt/.otsfs/status")" "$(realpath "$work/cache")" cache_dir
unmount_otsfs "$mnt"

# Something listens there, and does not answer.
start_otslocal "$work/hung"
endpoint=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$otslocal_log")
freeze "$otslocal_pid"
began=$SECONDS
TABLESTORE_ACCESS_KEY_ID=id TABLESTORE_ACCESS_KEY_SECRET=secret \
    expect_refused 'ListTimeseriesTable' "$endpoint" "$mnt" -o instance=local,timeout=1
[ $((SECONDS - began)) -lt 14 ] || fail "gave up after $((SECONDS - began)) s only"
thaw "$otslocal_pid"

# Nobody listens there: told soon, though a request may take a minute.
export TABLESTORE_ACCESS_KEY_ID=id TABLESTORE_ACCESS_KEY_SECRET=secret
expect_refused 'onnect' http://127.0.0.1:1 "$mnt" -o instance=local
