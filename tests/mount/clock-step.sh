#!/usr/bin/env bash
# The service's clock jumps, ahead and back, while two mounts write: no change is missed, no size is
# wrong, and the time of a change is never before that of the one before.
# SEMANTICS 3.2, 4 (mtime).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
mount_other "local:$work/data" -o poll=0.2
plain_table "$work/plain" 2 20
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
ls -lR "$other/t" >"$work/listed"
file=$work/mnt/t/mem/host=h0.lp

is_later() {
    awk -v got="$(mtime "$file")" -v than="$1" 'BEGIN { exit !(got > than) }'
}
round=0
for step in 0 60 -60 600 -600 0; do
    round=$((round + 1))
    set_faults "{\"clock_offset_s\": $step}"
    before=$(mtime "$file")
    # A correction of the same length; and of the others a row behind the last, one in between, a new one.
    lines mem,host=h0 1 5 | sed "s/ok/${round}x/" | other_writes t/mem/host=h0.lp
    lines mem,host=h1 2 $((20 + 2 * round)) | other_writes t/mem/host=h1.lp
    lines "mem,host=new$round" 2 | other_writes "t/mem/host=new$round.lp"
    lines cpu,_data_source=web-0,az=b 2 $((20 + 2 * round)) >>"$work/mnt/t/cpu/_data_source=web-0,az=b.lp"
    lines cpu,_data_source=web-1,az=b 1 "$round" | sed 's/000000000$/500000000/' \
        >>"$work/mnt/t/cpu/_data_source=web-1,az=b.lp"
    sync "$work/mnt/t"
    wait_until is_later "$before"
    wait_until grep -q "state=\"${round}x" "$file"
    agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
done

# Across a step that nobody saw.
unmount_otsfs "$work/mnt"
set_faults '{"clock_offset_s": -300}'
before=$(mtime "$other/t/mem/host=h0.lp")
lines mem,host=h0 1 5 | sed "s/ok/zz/" | other_writes t/mem/host=h0.lp
set_faults '{"clock_offset_s": 300}'
mount_otsfs "local:$work/data" "$work/mnt" -o poll=0.2
is_later "$before" || fail 'a change while it was unmounted'
agree_with_fresh "local:$work/data" t "$work/mnt" "$other"
