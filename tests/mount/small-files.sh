#!/usr/bin/env bash
# What the kernel asks for each small file that cp and rsync make, and that what it keeps of a new file
# ends with the first change, whoever makes that.
# SEMANTICS 3.2: kernel caches; 6.1 create, 6.2 staging files.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
files=100

start_otslocal "$work/data"
mkdir "$work/mnt" "$work/from"
for i in $(seq 10 $((files + 9))); do lines "cpu,host=h$i" 60 >"$work/from/host=h$i.lp"; done
lib_mounts+=("$work/mnt")
"$otsfs" "local:$work/data" "$work/mnt" -d -o "state_dir=$work/states/mnt" </dev/null >"$work/log" 2>&1 &
lib_pids+=($!)
wait_until is_mounted "$work/mnt"
table=$work/mnt/t
mkdir "$table" "$table/cpu" "$table/mem"
ls "$table/cpu"

# asked OPERATION: how often since the last forget_asked.
forget_asked() {
    seen=$(wc -l <"$work/log")
}
asked() {
    tail -n +$((seen + 1)) "$work/log" | grep -c "opcode: $1 " || true
}
# expect_asked OPERATION TIMES: for each file, and some more for directories and the clock.
expect_asked() {
    local count
    count=$(asked "$1")
    if [ "$count" -lt $((files * $2)) ] || [ "$count" -ge $((files * $2 + files / 2)) ]; then
        fail "$count times $1 for $files files, wanted $2 for each"
    fi
}

# The attributes of a new file come with it.
forget_asked
cp -rT "$work/from" "$table/cpu"
expect_asked CREATE 1
expect_asked WRITE 1
expect_asked FLUSH 1
expect_asked GETATTR 0
sync "$table"
diff -rq "$work/from" "$table/cpu"

# Closing a staging file says nothing.
sed -i 's/^cpu/mem/' "$work/from"/*
forget_asked
rsync -a "$work/from/" "$table/mem/"
expect_asked CREATE 1
expect_asked RENAME 1
expect_asked FLUSH 0
sync "$table"
rsync -ani --size-only "$work/from/" "$table/mem/" | grep '^[<>]f' && fail 'rsync finds other sizes'
diff -rq "$work/from" "$table/mem"

# ---- what is kept of a new file ends ---------------------------------------------------------------------

# Each line: who holds a new file, and what then changes it; the size is asked for before and behind.
python3 - "$table/cpu" "$table/.write" <<'PYTHON'
import os
import sys

folder, port = sys.argv[1:3]
LINE = "cpu,host=%s v=%di %d000000000\n"


def make(host):
    path = os.path.join(folder, f"host={host}.lp")
    return path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)


def expect(path, fd, size, what):
    for got in (os.fstat(fd).st_size, os.stat(path).st_size, os.fstat(fd).st_size):
        if got != size:
            sys.exit(f"{what}: {got} bytes, wanted {size}")


def line(host, value):
    return (LINE % (host, value, 1700000000 + value)).encode()


path, fd = make("maker")
expect(path, fd, 0, "made")
size = 0
for value in range(3):
    size += os.write(fd, line("maker", value))
    expect(path, fd, size, "its maker writes")
os.close(fd)

path, fd = make("other")
expect(path, fd, 0, "made")
with open(path, "ab", buffering=0) as other:
    size = other.write(line("other", 1))
    expect(path, fd, size, "somebody else writes")
size += os.write(fd, line("other", 2))
expect(path, fd, size, "its maker writes behind")
os.close(fd)

path, fd = make("port")
expect(path, fd, 0, "made")
with open(port, "wb", buffering=0) as writer:
    size = writer.write(line("port", 1))
expect(path, fd, size, "by the port")
os.close(fd)

path, fd = make("renamed")
expect(path, fd, 0, "made")
with open(os.path.join(folder, "draft"), "wb") as draft:
    size = draft.write(line("renamed", 1))
os.rename(draft.name, path)
expect(path, fd, size, "a staging file in its place")
os.close(fd)

path, fd = make("timed")
os.utime(fd, ns=(1, 1234567890))
if os.stat(path).st_mtime_ns != 1234567890:
    sys.exit("the time that was set does not show")
os.close(fd)

path, fd = make("copied")
expect(path, fd, 0, "made")
with open(os.path.join(folder, "lines"), "w+b", buffering=0) as lines:
    size = lines.write(line("copied", 1) + line("copied", 2))
    lines.seek(0)
    if os.copy_file_range(lines.fileno(), fd, size) != size:
        sys.exit("copied less")
expect(path, fd, size, "copied to")
os.close(fd)

# A staging file shows every change at once.
draft = os.path.join(folder, "draft")
with open(draft, "wb", buffering=0) as file:
    for size in range(0, 30, 10):
        expect(draft, file.fileno(), size, "a staging file")
        file.write(b"0123456789")
    os.truncate(draft, 7)
    expect(draft, file.fileno(), 7, "a staging file that is cut")
    os.utime(draft, ns=(1, 987654321))
    if os.fstat(file.fileno()).st_mtime_ns != 987654321:
        sys.exit("the time of a staging file")
    before = os.fstat(file.fileno()).st_mtime_ns
    file.write(b"more")
    if os.stat(draft).st_mtime_ns == before:
        sys.exit("writing changes a staging file's time")
PYTHON
unmount_otsfs "$work/mnt"
