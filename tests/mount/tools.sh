#!/usr/bin/env bash
# Everyday tools read a mount as they read any directory.
# SEMANTICS 1; 4 getattr, setattr, readdir, statfs; 5 read, Growth.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 12 40
mount_otsfs "local:$work/data" "$work/mnt"
cp -r "$work/plain" "$work/mnt/t"
# Seen for the first time, sorted.
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
cd "$work/mnt/t"

expect_equal "$(ls)" $'cpu\nmem' 'ls'
expect_equal "$(ls cpu)" "$(ls "$work/plain/cpu")" 'ls of a measurement'
expect_equal "$(find . -type f -printf '%P %s\n' | sort)" \
    "$(cd "$work/plain" && find . -type f -printf '%P %s\n' | sort)" 'find'
expect_equal "$(wc -lc mem/*.lp)" "$(cd "$work/plain" && wc -lc mem/*.lp)" 'wc'
expect_equal "$(grep -rlF 'count=273i' . | wc -l)" 24 'grep -r'
expect_equal "$(grep -c 'ok 3' mem/host=h1.lp)" 4 'grep -c'
expect_equal "$(sort -u mem/host=h1.lp | wc -l)" 40 'sort'

# The order of inode numbers is the order of names.
expect_equal "$(find . -printf '%i %p\n' | sort -n | cut -d' ' -f2-)" \
    "$(find . | LC_ALL=C sort -t/ -k2)" 'the order of inode numbers'

file=mem/host=h3.lp
plain=$work/plain/$file
for count in 1 3 39 40 41; do
    expect_equal "$(head -n "$count" "$file")" "$(head -n "$count" "$plain")" "head -n $count"
    expect_equal "$(tail -n "$count" "$file")" "$(tail -n "$count" "$plain")" "tail -n $count"
done
expect_equal "$(head -c 100 "$file")" "$(head -c 100 "$plain")" 'head -c'
expect_equal "$(tail -c 100 "$file")" "$(tail -c 100 "$plain")" 'tail -c'
dd if="$file" bs=7 skip=100 count=30 status=none >"$work/part"
expect_same "$work/part" <(dd if="$plain" bs=7 skip=100 count=30 status=none)
dd if="$file" iflag=direct bs=4096 status=none >"$work/whole"
expect_same "$work/whole" "$plain"

# Sizes: exact, and blocks to match, or tools take files for sparse.
size=$(stat -c %s "$plain")
expect_equal "$(stat -c '%F %a %s %b %B %U' "$file")" \
    "regular file 644 $size $(((size + 511) / 512)) 512 $(id -un)" 'stat'
expect_equal "$(stat -c '%F %a' cpu)" 'directory 755' 'stat of a directory'
expect_equal "$(du -bc cpu/*.lp | tail -n 1 | cut -f1)" "$(cat cpu/*.lp | wc -c)" 'du'
expect_equal "$(df --output=fstype . | tail -n 1)" fuse.otsfs 'df'
test -s "$file" || fail 'test -s'
expect_equal "$(find . -size -1c | wc -l)" 3 'empty entries: the directories alone'
expect_equal "$(stat -fc '%b %f %a %S' .)" "$((1 << 38)) $((1 << 38)) $((1 << 38)) 4096" 'statfs: 1 PiB, all free'
expect_equal "$(ls -A)" $'cpu\nmem' 'names that begin with a dot are not listed'

# What appears later gets a number behind all others, and no number changes.
find . -printf '%i %p\n' | sort >"$work/numbers"
lines 'cpu,_data_source=a' 3 >cpu/_data_source=a.lp
find . -printf '%i %p\n' | sort >"$work/numbers.later"
expect_equal "$(comm -23 "$work/numbers" "$work/numbers.later")" '' 'numbers that changed'
expect_equal "$(sort -n "$work/numbers.later" | tail -n 1 | cut -d' ' -f2)" ./cpu/_data_source=a.lp \
    'the highest number'

# An open directory shows what was there when it was opened.
python3 - mem <<'PYTHON' || fail 'an open directory'
import os
import sys

directory = os.open(sys.argv[1], os.O_RDONLY)
names = os.scandir(directory)
before = os.listdir(sys.argv[1])
with open(sys.argv[1] + "/host=new.lp", "w", encoding="utf-8") as file:
    file.write("mem,host=new v=1i 1000\n")
seen = [entry.name for entry in names]
assert seen == before, seen
assert sorted(before + ["host=new.lp"]) == os.listdir(sys.argv[1])
PYTHON

# Owner, mode and access time are accepted without effect.
before=$(stat -c '%a %u %g %X %Y' "$file")
chmod 600 "$file"
chown 1:1 "$file"
touch -a -d 2001-01-01 "$file"
expect_equal "$(stat -c '%a %u %g %X %Y' "$file")" "$before" 'after chmod, chown and touch -a'

# Copies out of it.
for copy in 'cp -r' 'cp -a' 'rsync -a'; do
    rm -rf "$work/copy"
    # shellcheck disable=SC2086 # words
    $copy . "$work/copy" || fail "$copy out of the mount"
    diff -r . "$work/copy" || fail "$copy out of the mount: not equal"
done
tar -cf - . | (mkdir "$work/tar" && tar -C "$work/tar" -xf -) || fail 'tar'
diff -r . "$work/tar" || fail 'tar: not equal'
expect_equal "$(stat -c %Y "$work/copy/$file")" "$(stat -c %Y "$file")" 'time of a copy'
cd /

# tail -f shows rows of this mount as they are written, and those of others when they are noticed.
follow=$work/mnt/t/mem/host=h5.lp
# Its process is in the way of an unmount: the test ends it.
tail -n 2 -f "$follow" >"$work/followed" 2>"$work/tail.log" &
tail=$!
lib_pids+=("$tail")
lines mem,host=h5 2 38 >"$work/wanted"
has_followed() {
    cmp -s "$work/followed" "$work/wanted"
}
wait_until has_followed
for first in 40 50 60; do
    lines mem,host=h5 5 "$first" >>"$follow"
    lines mem,host=h5 5 "$first" >>"$work/wanted"
    wait_until has_followed
done
mount_otsfs "local:$work/data" "$work/other"
lines mem,host=h5 5 80 >>"$work/other/t/mem/host=h5.lp"
lines mem,host=h5 5 80 >>"$work/wanted"
wait_until has_followed
kill "$tail"
wait "$tail" 2>/dev/null || true
