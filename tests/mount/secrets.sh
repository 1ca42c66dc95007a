#!/usr/bin/env bash
# The access key is in no process list, log, message or file but its own.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

member() { # member NAME FILE
    sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$2"
}
plain_table "$work/plain" 3 10
mount_otsfs "local:$work/data" "$work/one"
file=$work/data/credentials.json
key=$(member accessKey "$file")
[ "${#key}" -ge 30 ] || fail 'no key'
start_otslocal "$work/served"
served=$work/served/credentials.json
served_key=$(member accessKey "$served")
port=$(member endpoint "$served")
port=${port##*:}
token=a-token-that-nobody-may-see
cp -r "$work/plain" "$work/one/t"
sync "$work/one/t"

cat >"$work/s.json" <<JSON
{"datasources": [{"name": "s", "endpoint": "http://127.0.0.1:1", "instanceName": "local",
  "accessId": "$(member accessId "$file")", "accessKey": "$key"}]}
JSON
chmod 600 "$work/s.json"
mkdir "$work/none"
expect_failure 'Failed to connect' "$otsfs" s "$work/none" -o "config=$work/s.json,timeout=1"
! grep -qF -- "$key" "$work/failure" || fail 'the key is in a message'

expect_failure '; to do: ' "$otsfs" --check s -o "config=$work/s.json,timeout=1"
cp "$work/failure" "$work/check-failed"
"$otsfs" --check "local:$work/data" >"$work/check" 2>&1 || fail "$(cat "$work/check")"

# In the foreground with all that it says; two sources, a token, and lines that are rejected.
cat >"$work/s.json" <<JSON
{"datasources": [{"name": "s", "endpoint": "http://127.0.0.1:$port", "instanceName": "local",
  "accessId": "$(member accessId "$served")", "accessKey": "$served_key",
  "stsToken": "$token"}]}
JSON
mkdir "$work/two"
lib_mounts+=("$work/two")
(
    cd "$work"
    ulimit -c unlimited
    exec "$otsfs" "local:$work/data,s" "$work/two" -d -o "config=$work/s.json,state_dir=$work/state2" \
        </dev/null >"$work/debug.log" 2>&1
) &
debugged=$!
lib_pids+=("$debugged")
wait_until is_mounted "$work/two"
cat "$work/two"/data/t/cpu/*.lp >/dev/null
cp -r "$work/plain" "$work/two/s/t"
echo 'no line' >"$work/two/s/t/cpu/_data_source=web-0,az=b.lp" 2>/dev/null || true
sync "$work/two" || true
for file in status metrics errors rejected/t.lp; do
    cat "$work/two/data/.otsfs/$file" "$work/two/s/.otsfs/$file" "$work/two/.otsfs/$file" 2>/dev/null
done >"$work/otsfs-files" || true
[ -d "$work/state2" ] || fail 'no state'

# nowhere SECRET: in no file but its own, no process's arguments, no environment.
nowhere() {
    local leaks pid
    leaks=$(grep -rlF --exclude=credentials.json --exclude=s.json -- "$1" "$work" || true)
    expect_equal "$leaks" '' 'files with the secret'
    leaks=$(grep -lF -- "$1" /proc/[0-9]*/cmdline 2>/dev/null || true)
    expect_equal "$leaks" '' 'processes with the secret in their arguments'
    for pid in $(processes_of "$otsfs" "$work/") $(processes_of "$otslocal" "$work/"); do
        ! grep -qaF -- "$1" "/proc/$pid/environ" || fail 'the secret is in an environment'
    done
}
# The trees are looked through as well: the mounts are below $work.
nowhere "$key"
nowhere "$served_key"
nowhere "$token"

# It leaves no core file, though it may: that would hold the keys.
kill -ABRT "$debugged"
wait "$debugged" && fail 'lived on' || [ $? = 134 ] || fail 'ended otherwise'
fusermount3 -u "$work/two"
[ -z "$(find "$work" -maxdepth 1 -name 'core*')" ] || fail 'a core file'
nowhere "$key"
nowhere "$served_key"
for file in "$work/data/credentials.json" "$served"; do
    expect_equal "$(stat -c %a "$file")" 600 'mode of the credentials'
done
