#!/usr/bin/env bash
# Streams by admin calls: shards are split and merged, records are trimmed and lag; and the helpers of
# tests/lib.sh for that tell the truth.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

open_shards() {
    admin_call streams | jq -c '[.t.shards[] | select(.is_open) | .id[-1:]]'
}

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t"
expect_equal "$(admin_call streams | jq -c 'keys')" '["t"]' 'tables'
expect_equal "$(open_shards)" '["1"]' 'the shard of a new stream'
split_shard "$work/data" t
expect_equal "$(open_shards)" '["2","3"]' 'shards after a split'
merge_shards "$work/data" t
expect_equal "$(open_shards)" '["4"]' 'shards after a merge'
expect_equal "$(admin_call streams | jq '.t.shards | length')" 4 'shards, closed ones too'
trim_stream "$work/data" t 3600
expect_equal "$(admin_call streams | jq '.t.shards | length')" 4 'nothing is that old'
trim_stream "$work/data" t
expect_equal "$(admin_call streams | jq '.t.shards | length')" 1 'closed shards without records'

# Counters, by their difference.
count_from "$work/data"
expect_counted "$work/data" 0 PutTimeseriesData GetTimeseriesData rows_read rows_put
plain_table "$work/plain" 2 30
cp -r "$work/plain/." "$work/mnt/t/"
sync "$work/mnt/t"
expect_equal "$(counted_since "$work/data" rows_put)" 120 'rows put'
expect_equal "$(requests "$work/data" PutTimeseriesData)" "$(counter PutTimeseriesData calls)" 'calls'
expect_failure 'wanted at most 119' bash -c ". '$top/tests/lib.sh'; expect_counted '$work/data' 119 rows_put"
expect_equal "$(otsfs_counter "$work/mnt" otsfs_rows_stored_total t)" 120 'rows that the mount stored'
expect_equal "$(otsfs_counter "$work/mnt" otsfs_rows_stored_total)" 120 'rows of all tables'
expect_equal "$(otsfs_counter "$work/mnt" otsfs_rows_stored_total other)" 0 'rows of no table'

# Somebody else, and mounts that know nothing.
mount_other "local:$work/data"
lines mem,host=h0 5 100 | other_writes t/mem/host=h0.lp
lines mem,host=new 5 | other_writes t/mem/host=new.lp
fresh_listing "local:$work/data" t >"$work/wanted"
expect_equal "$(grep -c 'host=new.lp' "$work/wanted")" 2 'a new timeline'
wait_for_output "$(cat "$work/wanted")" listing "$work/mnt/t"
sizes_are_exact "$work/mnt/t" || fail 'sizes'
count_from "$work/data"
fresh_listing "local:$work/data" t >"$work/again"
expect_same "$work/wanted" "$work/again"
[ "$(counted_since "$work/data" rows_read)" -ge 130 ] || fail 'rows read'

# What they are to find: no file at all, and one that tells another size.
mkdir "$work/odd"
! sizes_are_exact "$work/odd" || fail 'sizes of no file'
ln -s /proc/version "$work/odd/version"
expect_failure "$work/odd/version: size 0, read " sizes_are_exact "$work/odd"
