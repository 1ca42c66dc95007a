#!/usr/bin/env bash
# rsync into a mount: by temporary names and in place, and what it does when a file is bad.
# SEMANTICS 4 unlink, rename; 6.1; 6.2.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
plain_table "$work/plain" 6 300

# By temporary names, with times. The second run moves nothing.
rsync -a "$work/plain/" "$work/mnt/t/"
diff -rq "$work/plain" "$work/mnt/t" || fail 'rsync -a'
expect_equal "$(rsync -ai "$work/plain/" "$work/mnt/t/" | grep '^[<>c]f' || true)" '' 'second rsync -a'
expect_equal "$(stat -c %Y "$work/mnt/t/cpu/_data_source=web-3,az=b.lp")" \
    "$(stat -c %Y "$work/plain/cpu/_data_source=web-3,az=b.lp")" 'time'

# A file grows, and is copied over.
lines 'mem,host=h2' 400 >"$work/plain/mem/host=h2.lp"
rsync -a "$work/plain/" "$work/mnt/t/"
diff -rq "$work/plain" "$work/mnt/t" || fail 'rsync -a of what has grown'

# In place.
for ((run = 0; run < 2; run++)); do
    rsync -a --inplace "$work/plain/" "$work/mnt/u/" || fail "rsync --inplace, run $run"
done
diff -rq "$work/plain" "$work/mnt/u" || fail 'rsync --inplace'
lines 'mem,host=h2' 500 >"$work/plain/mem/host=h2.lp"
rsync -a --inplace "$work/plain/" "$work/mnt/u/"
diff -rq "$work/plain" "$work/mnt/u" || fail 'rsync --inplace of what has grown'
# Pieces of lines are refused, aloud, and whole files put it right.
sed 's/busy=7.25/busy=7.75/; s/busy=90.25/busy=1.5/' "$work/plain/mem/host=h2.lp" >"$work/changed"
lines 'mem,host=h2' 100 500 >>"$work/changed"
cp "$work/changed" "$work/plain/mem/host=h2.lp"
expect_failure 'Invalid argument' rsync -a --inplace --no-whole-file "$work/plain/" "$work/mnt/u/"
rsync -a --inplace -W --ignore-times "$work/plain/" "$work/mnt/u/"
diff -rq "$work/plain" "$work/mnt/u" || fail 'rsync --inplace of whole files'

# Out of the mount.
rsync -a "$work/mnt/u/" "$work/back/"
diff -rq "$work/plain" "$work/back" || fail 'rsync out of the mount'

# Of six files one is bad: five are copied, and rsync says so.
mkdir -p "$work/six/m"
for host in a b c d e f; do
    lines "m,host=$host" 50 >"$work/six/m/host=$host.lp"
done
echo 'm,host=d v=nonsense 1' >>"$work/six/m/host=d.lp"
if rsync -a "$work/six/" "$work/mnt/v/" 2>"$work/said"; then
    fail 'rsync of a bad file succeeded'
fi
grep -q 'host=d.lp.*Invalid argument' "$work/said" || fail "rsync said: $(cat "$work/said")"
for host in a b c e f; do
    expect_same "$work/mnt/v/m/host=$host.lp" "$work/six/m/host=$host.lp"
done
expect_same "$work/mnt/v/m/host=d.lp" <(lines 'm,host=d' 50)
expect_equal "$(find "$work/mnt/v/m" -type f | wc -l)" 6 'names'

# Options that people use: each copies everything, and a second run moves nothing.
for options in -aX -aA -aH -aS -az -aW -ac -au -ab '-a --inplace --sparse' '-a --append' '-a --fsync' \
    '-a --partial' '-a --partial-dir=.partial' '-a --delete' "-a --temp-dir=$work" '-a --preallocate' \
    '-a --no-whole-file' '-a --inplace --no-whole-file' '-a --ignore-times' -r '-rt --size-only'; do
    table=w${options//[^a-zA-Z]/_}
    mkdir "$work/mnt/$table"
    for ((run = 0; run < 2; run++)); do
        # shellcheck disable=SC2086 # words
        rsync $options "$work/plain/" "$work/mnt/$table/" 2>"$work/said" ||
            fail "rsync $options, run $run: $(cat "$work/said")"
    done
    diff -rq "$work/plain" "$work/mnt/$table" || fail "rsync $options"
done

# What is not in the source stays, and rsync says so: a timeline is not deleted.
cp -r "$work/plain" "$work/fewer"
rm -r "$work/fewer/mem"
rm "$work/fewer/cpu/_data_source=web-1,az=b.lp"
status=0
rsync -a --delete "$work/fewer/" "$work/mnt/u/" 2>"$work/said" || status=$?
expect_equal "$status" 23 'exit status of rsync --delete'
expect_equal "$(grep -c 'unlink.*Operation not permitted' "$work/said")" 7 'timelines not deleted'
diff -rq "$work/plain" "$work/mnt/u" || fail 'rsync --delete'
