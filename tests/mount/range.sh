#!/usr/bin/env bash
# `.range`: the rows of a time range, as awk picks them from the whole file, with every tool; views
# nest, can only be read, and are forgotten when many others are used.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mnt=$work/mnt
mount_otsfs "local:$work/data" "$mnt"
mkdir "$mnt/t" "$mnt/t/cpu" "$mnt/t/mem"
lines 'cpu,host=a' 12000 >"$work/a.lp"
lines 'cpu,host=b' 100 >"$work/b.lp"
lines 'mem,host=a' 50 5000 >"$work/mem.lp"
cp "$work/a.lp" "$mnt/t/cpu/host=a.lp"
cp "$work/b.lp" "$mnt/t/cpu/host=b.lp"
cp "$work/mem.lp" "$mnt/t/mem/host=a.lp"

# The lines of $1 whose time is from second $2 to second $3.
between() {
    awk -v from="$2" -v to="$3" '{ s = substr($NF, 1, 10) + 0 } s >= from && s < to' "$1"
}
name() {
    TZ=$1 date -d "@$2" +%Y%m%d%H%M%S
}
start=1700000000

# In UTC, more than one page of rows.
utc=$mnt/t/.range/$(name UTC $((start + 50)))Z-$(name UTC $((start + 9000)))Z
expect_equal "$(ls -A "$utc")" $'cpu\nmem' 'measurements of the range'
expect_equal "$(ls -A "$utc/cpu")" $'host=a.lp\nhost=b.lp' 'timelines of the range'
between "$work/a.lp" $((start + 50)) $((start + 9000)) >"$work/a.wanted"
between "$work/b.lp" $((start + 50)) $((start + 9000)) >"$work/b.wanted"
expect_same "$utc/cpu/host=a.lp" "$work/a.wanted"
expect_equal "$(stat -c %s "$utc/cpu/host=a.lp")" "$(stat -c %s "$work/a.wanted")" 'size in the range'
cp -r "$utc" "$work/copy"
mkdir -p "$work/wanted/cpu" "$work/wanted/mem"
cp "$work/a.wanted" "$work/wanted/cpu/host=a.lp"
cp "$work/b.wanted" "$work/wanted/cpu/host=b.lp"
cp "$work/mem.lp" "$work/wanted/mem/host=a.lp"
diff -r "$work/copy" "$work/wanted" || fail 'a copy of the range differs'
rsync -a "$utc/" "$work/synced"
diff -r "$work/synced" "$work/wanted" || fail 'rsync of the range differs'
tar -C "$utc" -cf - . | tar -xf - -C "$(mkdir "$work/untarred" && echo "$work/untarred")"
diff -r "$work/untarred" "$work/wanted" || fail 'tar of the range differs'
expect_equal "$(tail -n 1 "$utc/cpu/host=a.lp")" "$(tail -n 1 "$work/a.wanted")" 'tail'
expect_equal "$(grep -rh 'count=700i' "$utc/cpu")" "$(grep -h 'count=700i' "$work/a.wanted")" 'grep -r'
expect_equal "$(find "$utc" -type f | wc -l)" 3 'find'

# What the whole table shows is as it was.
expect_same "$mnt/t/cpu/host=a.lp" "$work/a.lp"
expect_equal "$(ls -A "$mnt/t")" $'cpu\nmem' 'hidden names are not listed'
[ "$(stat -c %i "$utc/cpu/host=a.lp")" != "$(stat -c %i "$mnt/t/cpu/host=a.lp")" ] || fail 'one inode'

# Local time is that of the mount.
zoned=$work/zoned
TZ=Asia/Shanghai mount_otsfs "local:$work/data" "$zoned" -o state_dir="$work/zoned.state"
range=$(name Asia/Shanghai $((start + 10)))-$(name Asia/Shanghai $((start + 20)))
between "$work/a.lp" $((start + 10)) $((start + 20)) >"$work/a.zoned"
expect_same "$zoned/t/.range/$range/cpu/host=a.lp" "$work/a.zoned"
unmount_otsfs "$zoned"

# A range within a range.
inner=$utc/.range/$(name UTC $((start + 8999)))Z-$(name UTC $((start + 20000)))Z
expect_equal "$(cat "$inner/cpu/host=a.lp")" "$(tail -n 1 "$work/a.wanted")" 'a range in a range'
expect_equal "$(ls -A "$inner/cpu")" 'host=a.lp' 'only what has rows'

# What is written shows at once.
printf 'cpu,host=c v=1i %d000000000\n' $((start + 60)) >"$mnt/t/cpu/host=c.lp"
expect_equal "$(cat "$utc/cpu/host=c.lp")" "cpu,host=c v=1i $((start + 60))000000000" 'own rows'
expect_equal "$(ls "$utc/cpu")" $'host=a.lp\nhost=b.lp\nhost=c.lp' 'own rows are listed'

# Nothing can be changed.
expect_failure 'Read-only file system' touch "$utc/cpu/host=a.lp"
expect_failure 'Read-only file system' touch "$utc/cpu/host=new.lp"
expect_failure 'Read-only file system' cp "$work/b.lp" "$utc/cpu/host=b.lp"
expect_failure 'Read-only file system' dd if=/dev/null of="$utc/cpu/host=b.lp" status=none
expect_failure 'Read-only file system' mkdir "$utc/disk"
expect_failure 'Read-only file system' mkdir "$mnt/t/.range/x"
expect_failure 'Read-only file system' rmdir "$utc/cpu"
expect_failure 'Read-only file system' chmod 644 "$utc/cpu/host=a.lp"
expect_failure 'Read-only file system' rm -f "$utc/cpu/host=a.lp"
expect_failure 'Read-only file system' mv "$utc/cpu/host=a.lp" "$utc/cpu/host=z.lp"
printf 'cpu,host=z v=1i 1000\n' >"$mnt/t/cpu/.staged"
expect_failure 'Read-only file system' mv "$mnt/t/cpu/.staged" "$utc/cpu/host=z.lp"
expect_failure 'Read-only file system' setfattr -n user.ots.attr.x -v y "$utc/cpu/host=a.lp"
rm "$mnt/t/cpu/.staged"
expect_equal "$(stat -c %a "$utc" "$utc/cpu" "$utc/cpu/host=a.lp" | xargs)" '555 555 444' 'modes'

# Names that are none.
for name in x 20231114221320-20231114221320 20231114221321-20231114221320 20230229000000-20240101000000 \
    20231114221320Z-20231115000000 2023111422132-20231115000000 20231114221320; do
    expect_failure 'No such file or directory' ls "$mnt/t/.range/$name"
done
expect_failure 'No such file or directory' ls "$mnt/.range"
expect_failure 'No such file or directory' ls "$mnt/t/cpu/.range"

# Thousands of views: what is open or named again works, and memory stays bounded.
memory() {
    awk '/^VmRSS/ { print $2 }' "/proc/$(processes_of "$otsfs" "$mnt")/status"
}
walk() {
    python3 - "$mnt/t/.range" "$@" <<'END'
import os, sys, time
base, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for i in range(first, last):
    begin = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(1600000000 + i))
    assert os.listdir(f"{base}/{begin}-20231114221330Z") == ["cpu"], begin
END
}
exec 5<"$utc/cpu/host=a.lp"
cd "$utc/mem"
walk 0 1200
before=$(memory)
walk 1200 2600
after=$(memory)
[ "$after" -lt $((before + 20000)) ] || fail "memory grew from $before to $after KB"
expect_same /dev/fd/5 "$work/a.wanted"
exec 5<&-
expect_same "$utc/mem/host=a.lp" "$work/mem.lp"
cd "$work"
unmount_otsfs "$mnt"
