#!/usr/bin/env bash
# Several sources in one mount: each is a directory, named after the source.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

member() { # member NAME FILE
    sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\"\\(.*\\)\",\\{0,1\\}\$/\\1/p" "$2"
}
mkdir "$work/none" "$work/a" "$work/b"
# refused MESSAGE SOURCE: one line that names the source at fault, and nothing is mounted.
refused() {
    expect_failure "$1" timeout 60 "$otsfs" "$2" "$work/none" -o "state_dir=$work/st" \
        -o "config=$work/sources.json,timeout=2"
    expect_equal "$(wc -l <"$work/failure")" 1 "lines: $(cat "$work/failure")"
    is_unmounted "$work/none" || fail 'mounted'
}

start_otslocal "$work/served"
cat >"$work/sources.json" <<JSON
{"datasources": [
  {"name": "prod", "endpoint": "$(member endpoint "$work/served/credentials.json")",
   "instanceName": "local", "accessId": "$(member accessId "$work/served/credentials.json")",
   "accessKey": "$(member accessKey "$work/served/credentials.json")"},
  {"name": "gone", "endpoint": "http://127.0.0.1:1", "instanceName": "local",
   "accessId": "id", "accessKey": "key"}]}
JSON
chmod 600 "$work/sources.json"

mount_otsfs "local:$work/one,prod,local:$work/.two,local:$work/a/x\\,y" "$work/mnt" \
    -o "config=$work/sources.json"
expect_equal "$(cd "$work/mnt" && printf '%s ' *)" '_two one prod x,y ' 'the root'
expect_failure 'Operation not permitted' mkdir "$work/mnt/new"
expect_failure 'Operation not permitted' rmdir "$work/mnt/one"
expect_failure 'No such file' ls "$work/mnt/.two"

# Each has tables of its own, and cp copies from one to the other.
plain_table "$work/plain" 3 20
cp -r "$work/plain" "$work/mnt/one/t"
sync "$work/mnt/one/t"
expect_equal "$(ls "$work/mnt/prod")" '' 'tables of another source'
cp -r "$work/mnt/one/t" "$work/mnt/prod/"
cp -r "$work/mnt/one/t" "$work/mnt/_two/copy"
sync "$work/mnt"
diff -r "$work/mnt/one/t" "$work/mnt/prod/t" || fail 'the copy differs'
diff -r "$work/plain" "$work/mnt/_two/copy" || fail 'the other copy differs'
unmount_otsfs "$work/mnt"

# The rows are where they belong.
mount_otsfs prod "$work/prod" -o "config=$work/sources.json"
expect_equal "$(ls "$work/prod")" t 'tables of prod'
diff -r "$work/plain" "$work/prod/t" || fail 'prod differs'
unmount_otsfs "$work/prod"

# What cannot be mounted says which source it is.
refused 'otsfs: gone: ' "prod,gone"
refused 'otsfs: nosuch: ' "prod,nosuch,local:$work/one"
refused "otsfs: local:$work/no/such: " "local:$work/one,local:$work/no/such"
refused 'would both be the directory one' "local:$work/one,local:$work/one"
refused 'would both be the directory d' "local:$work/a/d,local:$work/b/d"
refused 'a source is empty' "local:$work/one,"
