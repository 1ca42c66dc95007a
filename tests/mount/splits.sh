#!/usr/bin/env bash
# `.splits`: workers copy one table side by side, each its split, and nothing is missing or twice;
# listing splits of a measured table asks nothing; they nest; the examples in docs/examples.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/from" --admin
src=$work/src
dst=$work/dst
mount_otsfs "local:$work/from" "$src"
mount_otsfs "local:$work/to" "$dst"
plain_table "$work/plain" 40 60
lines "disk,path=%2Fvar,$(printf 'x%.0s' {1..300})=y" 3 >"$work/disk.lp"
cp -r "$work/plain" "$src/t"
mkdir "$src/t/disk"
cat "$work/disk.lp" >"$src/t/.write"
sync "$src/t"
(cd "$src/t" && find . -type f | LC_ALL=C sort) >"$work/all"
[ "$(wc -l <"$work/all")" -eq 81 ] || fail "files of the table: $(wc -l <"$work/all")"

# Disjoint and complete.
for count in 1 2 4 17; do
    for ((i = 0; i < count; i++)); do
        (cd "$src/t/.splits/$i-of-$count" && find . -type f)
    done | LC_ALL=C sort >"$work/found"
    expect_same "$work/found" "$work/all"
done
expect_equal "$(ls -A "$src/t/.splits")" '' 'what .splits lists'
expect_equal "$(ls -A "$src/t")" $'cpu\ndisk\nmem' 'hidden names are not listed'

# The hash is that of XXH3: the same split on every machine, in every version.
expect_same "$src/t/.splits/3-of-5/cpu/_data_source=web-0,az=b.lp" "$work/plain/cpu/_data_source=web-0,az=b.lp"
expect_same "$src/t/.splits/2-of-16/mem/host=h7.lp" "$work/plain/mem/host=h7.lp"

# Files are those of the table, under numbers of their own.
name='cpu/_data_source=web-0,az=b.lp'
file=$src/t/.splits/3-of-5/$name
expect_equal "$(stat -c '%s %y' "$file")" "$(stat -c '%s %y' "$src/t/$name")" 'size and time'
[ "$(stat -c %i "$file")" != "$(stat -c %i "$src/t/$name")" ] || fail 'one inode'
expect_equal "$(stat -c %a "$src/t/.splits/3-of-5" "$(dirname "$file")" "$file" | xargs)" '555 555 444' 'modes'
setfattr -n user.ots.options -v '{"allow_update_attributes":true}' "$src/t"
setfattr -n user.ots.attr.rack -v r7 "$src/t/$name"
expect_equal "$(getfattr --absolute-names --only-values -n user.ots.attr.rack "$file")" r7 'an attribute'
expect_equal "$(tail -n 1 "$file")" "$(tail -n 1 "$work/plain/$name")" 'tail'

# Of a measured table they ask nothing. A measurement may grow old meanwhile, so it is tried again.
split_for_nothing() {
    ls -lR "$src/t" >/dev/null
    count_from "$work/from"
    ls -lR "$src"/t/.splits/{0,1,2,3}-of-4 >/dev/null
    local action
    for action in SplitTimeseriesScanTask ScanTimeseriesData GetTimeseriesData QueryTimeseriesMeta; do
        [ "$(counted_since "$work/from" "$action")" -eq 0 ] || return 1
    done
}
wait_until split_for_nothing

# Four workers, one table: the commands of README.md, with xargs where GNU parallel is not there.
sed -n '/^## Copying with many workers/,/^## What/s/^\$ //p' "$top/README.md" |
    sed -e "s:/mnt/ots/metrics:$src/t:g" -e "s:/mnt/mydata/metrics:$dst/t:g" >"$work/commands"
expect_equal "$(wc -l <"$work/commands")" 2 'commands of README.md'
mkdir "$work/bin"
cat >"$work/bin/parallel" <<'END'
#!/usr/bin/env bash
workers=$2 command=()
shift 2
while [ "$1" != ::: ]; do command+=("$1") && shift; done
shift
printf '%s\n' "$@" | xargs -P "$workers" -I '{}' "${command[@]}"
END
chmod +x "$work/bin/parallel"
PATH=$PATH:$work/bin bash -e "$work/commands" || fail 'the commands of README.md'
diff -r "$src/t" "$dst/t" || fail 'the copy differs'
expect_equal "$(cd "$dst/t" && find . -type f | LC_ALL=C sort)" "$(cat "$work/all")" 'files of the copy'
mkdir "$work/synced"
seq 0 3 | xargs -P 4 -I '{}' rsync -a "$src/t/.splits/{}-of-4/" "$work/synced"
diff -r "$src/t" "$work/synced" || fail 'rsync of the splits differs'

# Nested: a split of a split, and of the rows of a minute.
expect_equal "$(cd "$src/t/.splits/1-of-2/.splits/2-of-3" && find . -type f | sort)" \
    "$(cd "$src/t/.splits/5-of-6" && find . -type f | sort)" 'a split of a split'
range=.range/20231114221320Z-20231114221330Z
for i in 0 1 2; do
    cp -rT "$src/t/$range/.splits/$i-of-3" "$work/minute"
    diff -r "$src/t/$range/.splits/$i-of-3" "$src/t/.splits/$i-of-3/$range" || fail 'the order of views'
done
diff -r "$work/minute" "$src/t/$range" || fail 'splits of a range'
for i in 0 1 2; do
    cp -rT "$src/t/.fields/count/.splits/$i-of-3" "$work/count"
done
diff -r "$work/count" "$src/t/.fields/count" || fail 'splits of fields'

# What is written shows at once, in one split.
printf 'cpu,host=new v=1i 1700000000000000000\n' >"$src/t/cpu/host=new.lp"
found=$(find "$src"/t/.splits/{0,1,2}-of-3 -name host=new.lp)
expect_equal "$(wc -l <<<"$found")" 1 'splits with the new file'
expect_equal "$(cat "$found")" 'cpu,host=new v=1i 1700000000000000000' 'the new file'
printf 'cpu,host=new v=2i 1700000001000000000\n' >>"$src/t/cpu/host=new.lp"
expect_equal "$(wc -l <"$found")" 2 'the file that grew'

# Nothing can be changed, and names that are none.
expect_failure 'Read-only file system' touch "$file"
expect_failure 'Read-only file system' cp "$work/disk.lp" "$src/t/.splits/0-of-1/cpu/host=z.lp"
expect_failure 'Read-only file system' rm -f "$file"
expect_failure 'Read-only file system' mkdir "$src/t/.splits/0-of-1/new"
expect_failure 'Read-only file system' setfattr -n user.ots.attr.rack -v r8 "$file"
for split in 4-of-4 0-of-0 01-of-4 0-of-04 -1-of-4 0-of-1000001 x 0-of 1-of-4-of-8; do
    expect_failure 'No such file or directory' ls "$src/t/.splits/$split"
done
expect_failure 'No such file or directory' ls "$src/t/.splits/0-of-4/.splits/1-of-2"
expect_failure 'No such file or directory' ls "$src/.splits"

# With -o browse, what metadata tells.
mount_otsfs "local:$work/from" "$work/browse" -o browse
for ((i = 0; i < 3; i++)); do
    cp -rT "$work/browse/t/.splits/$i-of-3" "$work/browsed"
    (cd "$work/browse/t/.splits/$i-of-3" && find . -type f)
done | LC_ALL=C sort >"$work/found"
expect_equal "$(cat "$work/found")" "$(cd "$work/browse/t" && find . -type f | LC_ALL=C sort)" 'with -o browse'
diff -r "$work/browsed" "$src/t" || fail 'splits copied with -o browse differ'
unmount_otsfs "$work/browse"
unmount_otsfs "$dst"

# The examples: Slurm's tasks, which mount for themselves, side by side.
export PATH=$build:$top/docs/examples:$PATH SLURM_ARRAY_TASK_COUNT=3 TMPDIR=$work
seq 0 2 | SLURM_SUBMIT_DIR=/ xargs -P 3 -I '{}' env SLURM_ARRAY_TASK_ID='{}' \
    "$top/docs/examples/slurm-array.sh" "local:$work/from" "local:$work/third" t
mount_otsfs "local:$work/third" "$dst"
diff -r "$src/t" "$dst/t" || fail 'the copy by slurm-array.sh differs'
expect_equal "$(find "$work" -maxdepth 1 -name 'copy-split.*')" '' 'what copy-split leaves behind'
expect_failure '3-of-3 is not copied' copy-split "local:$work/from" "local:$work/third" t 3 3
expect_failure 'usage' copy-split "local:$work/from"
grep -q "copy-split prod backup metrics \"\$JOB_COMPLETION_INDEX\" $(sed -n 's/^  completions: //p' \
    "$top/docs/examples/kubernetes-job.yaml")$" "$top/docs/examples/kubernetes-job.yaml" ||
    fail 'kubernetes-job.yaml: completions and the count of splits differ'
