#!/usr/bin/env bash
# A wrong key, or a file of keys that others may read: one clear line, and no mount.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

member() { # member NAME FILE
    sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$2"
}
# datasource NAME KEY: a configuration file with one data source.
datasource() {
    cat >"$work/$1.json" <<JSON
{"datasources": [{"name": "$1", "endpoint": "$endpoint", "instanceName": "local",
  "accessId": "$id", "accessKey": "$2"}]}
JSON
    chmod 600 "$work/$1.json"
}
# expect_refused MESSAGE SOURCE [OPTION...]: exit status 1 and one line.
expect_refused() {
    local message=$1 status=0
    shift
    timeout 20 "$otsfs" "$1" "$work/mnt" "${@:2}" </dev/null >"$work/out" 2>&1 || status=$?
    expect_equal "$status" 1 "exit status of $1"
    expect_equal "$(wc -l <"$work/out")" 1 "lines: $(cat "$work/out")"
    grep -qF -- "$message" "$work/out" || fail "no '$message' but: $(cat "$work/out")"
    is_unmounted "$work/mnt" || fail 'mounted'
}

mkdir "$work/mnt"
start_otslocal "$work/data"
endpoint=$(member endpoint "$work/data/credentials.json")
id=$(member accessId "$work/data/credentials.json")
key=$(member accessKey "$work/data/credentials.json")
datasource good "$key"
datasource bad "wrong$key"

expect_refused 'OTSAuthFailed' bad -o "config=$work/bad.json"
! grep -qF -- "$key" "$work/out" || fail 'the key was printed'
expect_refused 'nosuch' nosuch -o "config=$work/good.json"
for mode in 640 604 644; do
    chmod "$mode" "$work/good.json"
    expect_refused "$work/good.json" good -o "config=$work/good.json"
done
chmod 600 "$work/good.json"
expect_refused 'TABLESTORE_ACCESS_KEY_ID' "$endpoint" -o instance=local
TABLESTORE_ACCESS_KEY_ID=$id TABLESTORE_ACCESS_KEY_SECRET=wrong \
    expect_refused 'OTSAuthFailed' "$endpoint" -o instance=local
expect_refused 'no/such/parent' "local:$work/no/such/parent"

# And the right ones work.
mount_otsfs good "$work/mnt" -o "config=$work/good.json"
mkdir "$work/mnt/t" || fail 'mkdir'
unmount_otsfs "$work/mnt"
export TABLESTORE_ACCESS_KEY_ID=$id TABLESTORE_ACCESS_KEY_SECRET=$key
mount_otsfs "$endpoint" "$work/mnt" -o instance=local
expect_equal "$(ls "$work/mnt")" t 'tables'
unset TABLESTORE_ACCESS_KEY_ID TABLESTORE_ACCESS_KEY_SECRET
unmount_otsfs "$work/mnt"

# A file of somebody else, and one that is no file.
if [ "$(id -u)" = 0 ]; then
    chown 65534 "$work/good.json"
    expect_refused 'belongs to another user' good -o "config=$work/good.json"
    chown 0 "$work/good.json"
fi
expect_refused 'not a regular file' good -o "config=$work"
echo '{"datasources": [' >"$work/torn.json"
chmod 600 "$work/torn.json"
expect_refused 'not JSON' good -o "config=$work/torn.json"

# A wrong endpoint: no such host, another service, another instance, no TLS there.
export TABLESTORE_ACCESS_KEY_ID=$id TABLESTORE_ACCESS_KEY_SECRET=$key
expect_refused 'nosuch.invalid' http://nosuch.invalid -o instance=local,timeout=1
expect_refused 'instance' "$endpoint" -o instance=other
expect_refused 'SSL' "https://${endpoint#http://}" -o instance=local,timeout=1
expect_refused 'does not tell the instance' "$endpoint"
expect_refused 'must be http(s)://' http://a/b -o instance=local
TABLESTORE_ACCESS_KEY_ID=nobody expect_refused 'AccessKeyID does not exist' "$endpoint" -o instance=local
unset TABLESTORE_ACCESS_KEY_ID TABLESTORE_ACCESS_KEY_SECRET

# An STS token goes with every request, from a file and from the environment.
sed 's/"accessKey"/"stsToken": "a-token", "accessKey"/' "$work/good.json" >"$work/sts.json"
chmod 600 "$work/sts.json"
mount_otsfs good "$work/mnt" -o "config=$work/sts.json,signature=v2"
expect_equal "$(ls "$work/mnt")" t 'tables, with a token'
unmount_otsfs "$work/mnt"
TABLESTORE_ACCESS_KEY_ID=$id TABLESTORE_ACCESS_KEY_SECRET=$key TABLESTORE_SESSION_TOKEN=a-token \
    mount_otsfs "$endpoint" "$work/mnt" -o instance=local
expect_equal "$(ls "$work/mnt")" t 'tables, with a token in the environment'

# A server that is not there.
stop "$otslocal_pid" || fail 'otslocal'
unmount_otsfs "$work/mnt"
expect_refused "${endpoint##*:}" good -o "config=$work/good.json,timeout=1"
