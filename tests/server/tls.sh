#!/usr/bin/env bash
# TLS with a given certificate: for curl and for otsfs, and not with a key that others may read.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

cd "$work"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
chmod 644 key.pem
expect_failure 'has secrets that others may read' "$otslocal" "$work/data" --listen 127.0.0.1:0 \
    --certificate cert.pem --key key.pem
chmod 600 key.pem
expect_failure 'are wanted together' "$otslocal" "$work/data" --certificate cert.pem
expect_failure 'cannot serve with this certificate' "$otslocal" "$work/data" --listen 127.0.0.1:0 \
    --certificate key.pem --key key.pem

start_otslocal "$work/data" --certificate cert.pem --key key.pem --admin
endpoint=$(sed -n 's/^otslocal: ready on \(http[^ ]*\) .*/\1/p' "$otslocal_log")
case $endpoint in https://127.0.0.1:*) ;; *) fail "endpoint $endpoint" ;; esac
curl -s --cacert cert.pem -X POST "$endpoint/Foo" | grep -q 'Unsupported operation' ||
    fail 'no answer over TLS'
expect_failure 'certificate' curl -sS -X POST "$endpoint/Foo"
expect_failure '' curl -sS --cacert cert.pem --tls-max 1.1 -X POST "$endpoint/Foo"
expect_failure '' curl -sS -X POST "http://${endpoint#https://}/Foo"
# Who connects and says nothing holds up nobody.
exec 8<>"/dev/tcp/127.0.0.1/${endpoint##*:}"
for _ in 1 2 3 4 5 6 7 8; do
    curl -s --cacert cert.pem -m 5 "$endpoint/otslocal/counters" | grep -q connections ||
        fail 'no answer beside a silent client'
done
exec 8>&-

# otsfs over TLS: the same file of credentials, with the endpoint alone.
member() { # member NAME
    sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$work/data/credentials.json"
}
cat >one.json <<JSON
{"datasources": [{"name": "one", "endpoint": "$endpoint", "instanceName": "local",
  "accessId": "$(member accessId)", "accessKey": "$(member accessKey)"}]}
JSON
chmod 600 one.json
mkdir -p mnt
expect_failure 'certificate' timeout 60 "$otsfs" one "$work/mnt" -o "config=$work/one.json"
[ -e /dev/fuse ] || exit 0
export CURL_CA_BUNDLE=$work/cert.pem
mount_otsfs one "$work/mnt" -o "config=$work/one.json"
plain_table "$work/plain" 2 3
cp -r "$work/plain" mnt/t
sync mnt/t
diff -r "$work/plain" mnt/t || fail 'what was written is not what is there'
unmount_otsfs "$work/mnt"
