#!/usr/bin/env bash
# On a Unix socket: no TCP unless asked for, owner only, what a killed server left is taken over.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$work/one
socket=$work/s

answers() {
    curl -s -o "$work/answer" --unix-socket "$socket" -X POST --data-binary '' http://localhost/Foo &&
        grep -q 'Unsupported operation' "$work/answer"
}
start() { # start LOG OPTION...
    local log=$1
    shift
    "$otslocal" "$dir" --socket "$socket" "$@" >"$log" 2>&1 &
    otslocal_pid=$!
    lib_pids+=("$otslocal_pid")
    wait_until grep -qs '^otslocal: ready on ' "$log"
}

start "$work/first.log"
grep -qxF "otslocal: ready on unix:$socket (instance local, credentials $dir/credentials.json)" \
    "$work/first.log" || fail 'no ready line'
grep -qF "\"socket\":	\"$socket\"" "$dir/credentials.json" || fail 'no socket in the credentials'
expect_equal "$(stat -c %a "$socket")" 600 'mode of the socket'
answers || fail 'no answer'
if command -v ss >/dev/null; then
    ! ss -Hltnp | grep -q "pid=$otslocal_pid," || fail 'listens on TCP'
fi
expect_failure 'in use' "$otslocal" "$work/two" --socket "$socket"

kill -9 "$otslocal_pid"
wait "$otslocal_pid" || true
[ -S "$socket" ] || fail 'kill -9 removed the socket'
start "$work/second.log" --listen 127.0.0.1:0
answers || fail 'no answer after the restart'
endpoint=$(sed -n 's/^otslocal: ready on \(http[^ ]*\) and unix:.*/\1/p' "$work/second.log")
curl -s -X POST --data-binary '' "$endpoint/Foo" | grep -q 'Unsupported operation' ||
    fail 'no answer over TCP'
stop "$otslocal_pid" || fail "exit status $?"
[ ! -e "$socket" ] || fail 'the socket is left'

# The file names the socket for readers in other directories.
(cd "$work" && exec "$otslocal" "$dir" --socket relative >"$work/third.log" 2>&1) &
otslocal_pid=$!
lib_pids+=("$otslocal_pid")
wait_until grep -qs '^otslocal: ready on ' "$work/third.log"
grep -qF "\"socket\":	\"$work/relative\"" "$dir/credentials.json" || fail 'a relative socket'
stop "$otslocal_pid" || fail "exit status $?"

touch "$work/file"
expect_failure 'exists and is no socket' "$otslocal" "$dir" --socket "$work/file"
[ -f "$work/file" ] || fail 'a file was removed'
