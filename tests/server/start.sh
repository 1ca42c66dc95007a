#!/usr/bin/env bash
# The first start makes the directory, an instance and a key; later ones use them again.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mode() {
    stat -c %a -- "$1"
}
member() { # member NAME FILE
    sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$2"
}

dir=$work/one
file=$dir/credentials.json
umask 022
start_otslocal "$dir"
expect_equal "$(mode "$dir")" 700 'mode of the directory'
expect_equal "$(mode "$file")" 600 'mode of the credentials'
expect_equal "$(mode "$dir/data")" 700 'mode of the data'
endpoint=$(member endpoint "$file")
id=$(member accessId "$file")
key=$(member accessKey "$file")
expect_equal "$(member instanceName "$file")" local 'default instance'
[ -n "$id" ] || fail 'no access key id'
[ "${#key}" -ge 30 ] || fail 'no access key'
ready="otslocal: ready on $endpoint and unix:$dir/otslocal.sock"
grep -qxF "$ready (instance local, credentials $file)" "$otslocal_log" || fail 'no ready line'
grep -qxF "otslocal: to mount it: otsfs local:$dir MOUNTPOINT" "$otslocal_log" || fail 'no advice'
case $endpoint in http://127.0.0.1:[1-9]*) ;; *) fail "endpoint $endpoint" ;; esac
! grep -qF -- "$key" "$otslocal_log" || fail 'the key was printed'
! tr '\0' '\n' <"/proc/$otslocal_pid/cmdline" | grep -qF -- "$key" || fail 'the key is an argument'

# It speaks: what is no action is refused, and the refusal is signed.
curl -s -i -X POST --data-binary '' "$endpoint/Foo" | tr -d '\r' >"$work/answer"
head -n 1 "$work/answer" | grep -q ' 400 ' || fail 'no refusal'
grep -q '^authorization: OTS ' "$work/answer" || fail 'an unsigned refusal'

# Where otsfs looks for it.
curl -s --unix-socket "$dir/otslocal.sock" -X POST --data-binary '' http://localhost/Foo |
    grep -q 'Unsupported operation' || fail 'no answer on the socket'

# One server for one directory.
expect_failure 'is served by another otslocal already' "$otslocal" "$dir" --listen 127.0.0.1:0
status=0
"$otslocal" "$dir" --listen 127.0.0.1:0 2>/dev/null || status=$?
expect_equal "$status" 1 'exit status of a second server'
status=0
"$otslocal" "$dir" --listen 127.0.0.1:0 --linger 1 2>/dev/null || status=$?
expect_equal "$status" 3 'exit status of a second lingering server'
expect_equal "$(member endpoint "$file")" "$endpoint" 'endpoint after a refused start'

# A port that is taken.
expect_failure 'in use' "$otslocal" "$work/two" --listen "${endpoint#http://}"

stop "$otslocal_pid" || fail "exit status $? after SIGTERM"
start_otslocal "$dir"
expect_equal "$(member accessId "$file")" "$id" 'access key id of the second start'
expect_equal "$(member accessKey "$file")" "$key" 'access key of the second start'
grep -qF "$(member endpoint "$file") " "$otslocal_log" || fail 'the endpoint was not renewed'
! grep -qF 'made the instance' "$otslocal_log" || fail 'made a second instance'
kill -INT "$otslocal_pid"
wait "$otslocal_pid" || fail "exit status $? after SIGINT"

expect_failure 'is of the instance local' "$otslocal" "$dir" --instance other --listen 127.0.0.1:0
start_otslocal "$work/three" --instance third --credentials "$work/key.json"
expect_equal "$(member instanceName "$work/key.json")" third 'the given instance'
expect_equal "$(mode "$work/key.json")" 600 'mode of the given file'
[ ! -e "$work/three/credentials.json" ] || fail 'two files of credentials'
stop "$otslocal_pid" || fail "exit status $?"
chmod 640 "$work/key.json"
expect_failure 'has secrets that others may read' "$otslocal" "$work/three" --listen 127.0.0.1:0 \
    --credentials "$work/key.json"

# A path that no socket can have.
long=$work/$(printf '%0100d' 0)
start_otslocal "$long"
grep -q '^otslocal: ready on http://127.0.0.1:[0-9]* (instance local' "$otslocal_log" ||
    fail 'a long path is not served'
stop "$otslocal_pid" || fail "exit status $? with a long path"
start_otslocal "$work/five" --socket "$work/s"
[ ! -e "$work/five/otslocal.sock" ] || fail 'two sockets'
stop "$otslocal_pid" || fail "exit status $? with a socket"

"$otslocal" --help | grep -q '^usage: otslocal DIR' || fail 'no help'
"$otslocal" --version | grep -q '^otslocal [0-9]' || fail 'no version'
expect_failure 'one directory is wanted' "$otslocal"
expect_failure 'unknown option' "$otslocal" "$dir" --nonsense
