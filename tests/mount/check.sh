#!/usr/bin/env bash
# otsfs --check: what is right and what is wrong, each failure at its step, and no secret shown.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

unset http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY CURL_CA_BUNDLE
member() { # member NAME FILE
    sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$2"
}
: >"$work/all"
# run STATUS ARGUMENT...: its exit status, and what it says in $work/out.
run() {
    local status=0 wanted=$1
    shift
    timeout 60 "$otsfs" --check "$@" </dev/null >"$work/out" 2>&1 || status=$?
    cat "$work/out" >>"$work/all"
    expect_equal "$status" "$wanted" "exit status of $*: $(cat "$work/out")"
}
steps() {
    sed -n 's/: ok: .*//p' "$work/out" | tr '\n' ' '
}
# passes SOURCE [OPTION...]
passes() {
    run 0 "$@"
    ! grep -q failed "$work/out" || fail "failed: $(cat "$work/out")"
}
# fails STEP MESSAGE SOURCE [OPTION...]: the last line, and it says what to do.
fails() {
    local step=$1 message=$2
    shift 2
    run 1 "$@"
    tail -n 1 "$work/out" | grep -q "^$step: failed: .*; to do: ..*" ||
        fail "not at $step: $(cat "$work/out")"
    tail -n 1 "$work/out" | grep -qF -- "$message" || fail "no '$message': $(cat "$work/out")"
    expect_equal "$(grep -c failed "$work/out")" 1 'failed steps'
}
# datasource ENDPOINT [MEMBER VALUE]...: write the source `s` anew.
datasource() {
    python3 - "$work/s.json" "$@" <<'PYTHON'
import json, os, sys
path, endpoint, *rest = sys.argv[1:]
source = {"name": "s", "endpoint": endpoint, "instanceName": "local",
          "accessId": os.environ["id"], "accessKey": os.environ["key"]}
source.update(zip(rest[::2], rest[1::2]))
with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
    json.dump({"datasources": [source]}, file)
PYTHON
    chmod 600 "$work/s.json"
}
s=(s -o "config=$work/s.json,timeout=2")

start_otslocal "$work/data" --admin
id=$(member accessId "$work/data/credentials.json")
key=$(member accessKey "$work/data/credentials.json")
endpoint=$(member endpoint "$work/data/credentials.json")
export id key
datasource "$endpoint"
passes "${s[@]}"
expect_equal "$(steps)" 'configuration DNS TCP TLS signature instance permission ' 'steps'
grep -q 'there is none to read' "$work/out" || fail "$(cat "$work/out")"

# With a table, and as local:DIR, and both.
mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 1 3
cp -r "$work/plain" "$work/mnt/t"
unmount_otsfs "$work/mnt"
passes "local:$work/data"
expect_equal "$(steps)" 'configuration otslocal signature instance permission ' 'steps of local'
grep -q 'permission: ok: table t can be read' "$work/out" || fail "$(cat "$work/out")"
passes "local:$work/data,s" -o "config=$work/s.json"
expect_equal "$(wc -l <"$work/out")" 12 'lines for two sources'
grep -q '^s: TCP: ok: 127.0.0.1 port ' "$work/out" || fail "$(cat "$work/out")"
run 1 "local:$work/data,nosuch" -o "config=$work/s.json"
grep -q '^nosuch: configuration: failed' "$work/out" || fail "$(cat "$work/out")"
TABLESTORE_ACCESS_KEY_ID=$id TABLESTORE_ACCESS_KEY_SECRET=$key passes "$endpoint" -o instance=local

# configuration
fails configuration "$work/none.json" s -o "config=$work/none.json"
fails configuration 'no data source other' other -o "config=$work/s.json"
fails configuration TABLESTORE_ACCESS_KEY_ID "$endpoint" -o instance=local
TABLESTORE_ACCESS_KEY_ID=$id fails configuration TABLESTORE_ACCESS_KEY_SECRET "$endpoint" -o instance=local
chmod 640 "$work/s.json"
fails configuration "chmod 600 $work/s.json" "${s[@]}"
fails configuration "$work/no/such" "local:$work/no/such"
[ ! -e "$work/no" ] || fail 'a check made something'
datasource "$endpoint" endpoint nonsense
fails configuration 'endpoint nonsense' "${s[@]}"
datasource "$endpoint"
fails configuration 'region' s -o "config=$work/s.json,signature=v4"
expect_failure 'unknown option' "$otsfs" --check s -o "confg=$work/s.json"

# DNS and TCP
datasource https://nosuch.invalid
fails DNS nosuch.invalid "${s[@]}"
datasource http://127.0.0.1:1
fails TCP '127.0.0.1 port 1' "${s[@]}"
expect_equal "$(steps)" 'configuration DNS ' 'steps before TCP'

# signature
datasource "$endpoint" accessKey "wrong$key"
fails signature 'Signature mismatch' "${s[@]}"
expect_equal "$(steps)" 'configuration DNS TCP TLS ' 'steps before the signature'
datasource "$endpoint" accessId nobody
fails signature 'AccessKeyID' "${s[@]}"
datasource "$endpoint"
set_faults '{"clock_offset_s": 3600}'
fails signature "clock is 3600 s behind" "${s[@]}"
set_faults '{"clock_offset_s": -3600}'
fails signature "clock is 3600 s ahead" "${s[@]}"
set_faults '{"clock_offset_s": 300}'
passes "${s[@]}"
grep -qE "the service's clock is (299|300)\.[0-9] s ahead" "$work/out" || fail "$(cat "$work/out")"
set_faults '{"rules": [{"wrong": "signature"}]}'
fails signature 'who answered does not know the key' "${s[@]}"
reset_faults

# instance and permission
datasource "$endpoint" instanceName other
fails instance 'instance' "${s[@]}"
datasource "$endpoint"
for action in ListTimeseriesTable DescribeTimeseriesTable SplitTimeseriesScanTask QueryTimeseriesMeta \
    GetTimeseriesData; do
    set_faults "{\"rules\": [{\"action\": \"$action\", \"code\": \"OTSNoPermissionAccess\", \"message\": \"no\"}]}"
    fails permission "$action" "${s[@]}"
    grep -q 'in RAM' "$work/out" || fail "no advice: $(cat "$work/out")"
done
reset_faults
passes "${s[@]}"

# TLS
fails_tls() {
    fails TLS "$@"
    expect_equal "$(steps)" 'configuration DNS TCP ' 'steps before TLS'
}
datasource "https://${endpoint#http://}"
fails_tls 'SSL' "${s[@]}"
stop "$otslocal_pid" || fail 'otslocal'
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$work/key.pem" \
    -out "$work/cert.pem" -addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null
chmod 600 "$work/key.pem"
start_otslocal "$work/data" --certificate "$work/cert.pem" --key "$work/key.pem"
endpoint=$(sed -n 's/^otslocal: ready on \(http[^ ]*\) .*/\1/p' "$otslocal_log")
datasource "$endpoint"
fails_tls 'caFile' "${s[@]}"
datasource "https://localhost:${endpoint##*:}" caFile "$work/cert.pem"
fails TLS 'localhost' "${s[@]}"
datasource "$endpoint" caFile "$work/none.pem"
fails TLS "$work/none.pem" "${s[@]}"
datasource "$endpoint" caFile "$work/cert.pem"
passes "${s[@]}"
grep -q '^TLS: ok: the certificate is right' "$work/out" || fail "$(cat "$work/out")"

# The same through a mount, which works elsewhere than where it was started.
mount_otsfs s "$work/mnt" -o "config=$work/s.json"
diff -r "$work/plain" "$work/mnt/t" || fail 'over TLS it reads otherwise'
unmount_otsfs "$work/mnt"

[ "$(wc -l <"$work/all")" -ge 60 ] || fail 'what was said is not in the file'
! grep -qF -- "$key" "$work/all" || fail 'a secret was shown'
