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

# In the foreground with all that it says.
mkdir "$work/two"
lib_mounts+=("$work/two")
"$otsfs" "local:$work/data" "$work/two" -d </dev/null >"$work/debug.log" 2>&1 &
lib_pids+=($!)
wait_until is_mounted "$work/two"
cat "$work/two"/t/cpu/*.lp >/dev/null
unmount_otsfs "$work/two"

rm "$work/s.json"
leaks=$(grep -rlF --exclude=credentials.json -- "$key" "$work" || true)
expect_equal "$leaks" '' 'files with the key'
leaks=$(grep -lF -- "$key" /proc/[0-9]*/cmdline 2>/dev/null || true)
expect_equal "$leaks" '' 'processes with the key in their arguments'
for pid in $(processes_of "$otsfs" "$work/") $(processes_of "$otslocal" "$work/"); do
    ! grep -qaF -- "$key" "/proc/$pid/environ" || fail 'the key is in an environment'
done
expect_equal "$(stat -c %a "$file")" 600 'mode of the credentials'
