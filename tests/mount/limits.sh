#!/usr/bin/env bash
# -o max_rps= and max_mbps= bound what the service is asked; who waits can be interrupted.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# sum NAME: over all actions.
sum() {
    counters | python3 -c 'import json, sys
print(sum(action[sys.argv[1]] for action in json.load(sys.stdin)["actions"].values()))' "$1"
}
now_ms() {
    date +%s%3N
}
start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 5 20
lines 'big,host=a' 3000 >"$work/big.lp"
cp -r "$work/plain" "$work/mnt/t"
mkdir "$work/mnt/t/big"
cp "$work/big.lp" "$work/mnt/t/big/host=a.lp"
sync "$work/mnt"
unmount_otsfs "$work/mnt"

# At most 20 requests in a second, those made again too, and all that is asked for is there.
set_faults '{"rules": [{"action": "GetTimeseriesData", "every": 3, "code": "OTSServerBusy"}]}'
mount_otsfs "local:$work/data" "$work/mnt" -o max_rps=20
calls=$(sum calls)
start=$(now_ms)
expect_same "$work/big.lp" "$work/mnt/t/big/host=a.lp"
diff -r "$work/plain/cpu" "$work/mnt/t/cpu" || fail 'read otherwise'
diff -r "$work/plain/mem" "$work/mnt/t/mem" || fail 'read otherwise'
elapsed=$(($(now_ms) - start))
calls=$(($(sum calls) - calls))
[ "$calls" -ge 10 ] || fail "only $calls calls, too few to tell"
[ "$elapsed" -ge $(((calls - 1) * 50 - 40)) ] || fail "$calls calls in $elapsed ms"
[ "$(hits 0)" -ge 2 ] || fail 'nothing was made again'
reset_faults
unmount_otsfs "$work/mnt"

# Readers that wait for their turn end when they are told to.
mount_otsfs "local:$work/data" "$work/mnt" -o max_rps=2
stat "$work/mnt/t/cpu" >/dev/null
readers=()
for file in "$work/mnt"/t/cpu/*; do
    cat "$file" >/dev/null &
    readers+=($!)
done
start=$(now_ms)
kill "${readers[@]}"
wait "${readers[@]}" || true
elapsed=$(($(now_ms) - start))
[ "$elapsed" -lt 2000 ] || fail "interrupted readers took $elapsed ms"
# The kernel lets go of what they had open a moment after they ended.
wait_until fusermount3 -qu -- "$work/mnt"
wait_until no_process_of "$otsfs" "$work/mnt"

# A megabyte in a second, answers included: two readings of the same file take their time.
mount_otsfs "local:$work/data" "$work/mnt" -o max_mbps=8
ls -l "$work/mnt/t/big" >/dev/null
bytes=$(sum bytes_out)
start=$(now_ms)
cat "$work/mnt/t/big/host=a.lp" >/dev/null
bytes=$(($(sum bytes_out) - bytes))
cat "$work/mnt/t/big/host=a.lp" >/dev/null
elapsed=$(($(now_ms) - start))
[ "$bytes" -ge 50000 ] || fail "$bytes bytes are too few to tell"
[ "$elapsed" -ge $((bytes / 1000 - 40)) ] || fail "$bytes bytes, twice, in $elapsed ms"
