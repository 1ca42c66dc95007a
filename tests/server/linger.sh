#!/usr/bin/env bash
# With --linger it ends by itself: not while there is a connection or a mount of the directory, and
# a mount that comes while it ends waits for its end.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

dir=$work/one
socket=$dir/otslocal.sock
mkdir "$dir"

start() { # start SECONDS
    # The line of the server before must not pass for that of this one.
    rm -f "$work/otslocal.log"
    "$otslocal" "$dir" --socket "$socket" --listen 127.0.0.1:0 --linger "$1" \
        >"$work/otslocal.log" 2>&1 8>&- 9>&- &
    otslocal_pid=$!
    lib_pids+=("$otslocal_pid")
    wait_until grep -qs "^otslocal: ready on " "$work/otslocal.log"
}
is_running() {
    kill -0 "$otslocal_pid" 2>/dev/null
}
has_ended() {
    ! is_running
}
expect_end() {
    wait_until has_ended
    wait "$otslocal_pid" || fail "exit status $?"
    [ ! -e "$socket" ] || fail 'the socket is left'
}
# stays WHY: it runs on for longer than it lingers, and looks again.
stays() {
    local i
    for i in 1 2 3 4 5 6 7 8; do
        sleep 0.2
        is_running || fail "ended under $1 ($i)"
    done
}

# Nobody comes.
start 0
expect_end

# A mount holds its lock.
exec 9>"$dir/users.lock"
flock -s 9
start 0
stays 'a mount'

# A connection keeps it, also when the mount has gone.
port=$(sed -n 's/^otslocal: ready on http:..127.0.0.1:\([0-9]*\) .*/\1/p' "$work/otslocal.log")
exec 8<>"/dev/tcp/127.0.0.1/$port"
printf 'POST /Foo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n' >&8
read -r answer <&8
expect_equal "${answer%$'\r'}" 'HTTP/1.1 400 Bad Request' 'answer'
exec 9>&-
stays 'a connection'
exec 8>&-
expect_end

# Who gets the shared lock meets a server that stays, or finds nothing of one that is gone.
for _ in 1 2 3 4 5 6; do
    start 0
    exec 9>"$dir/users.lock"
    flock -s 9
    if curl -s -o "$work/answer" --unix-socket "$socket" -X POST http://localhost/Foo; then
        sleep 0.2
        is_running || fail 'ended in spite of the lock'
    else
        wait "$otslocal_pid" || fail "exit status $?"
        start 0
    fi
    exec 9>&-
    expect_end
done
