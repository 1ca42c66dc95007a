#!/usr/bin/env bash
# Programs that change a file: through a temporary name, in place, or at its end.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

mount_otsfs "local:$work/data" "$work/mnt"
m=$work/mnt/t/m
mkdir "$work/mnt/t" "$m"
file=$m/host=a.lp
lines 'm,host=a' 200 >"$work/plain.lp"

# sed -i writes a temporary file and renames it. Lines that it leaves out stay rows.
cp "$work/plain.lp" "$file"
sed -i 's/state="ok/state="fine/' "$file"
expect_same "$file" <(sed 's/state="ok/state="fine/' "$work/plain.lp")
sed -i '1d' "$file"
expect_same "$file" <(sed 's/state="ok/state="fine/' "$work/plain.lp")

# sort -o reads all, then writes over it; rows are in the order of their times all the same.
cp "$work/plain.lp" "$file"
sort -r -o "$file" "$file"
expect_same "$file" "$work/plain.lp"

# As editors do: a backup, a temporary file, fsync, rename.
python3 - "$file" <<'PYTHON'
import os
import shutil
import sys

path = sys.argv[1]
shutil.copyfile(path, path + "~")
with open(path + ".tmp", "w", encoding="utf-8") as file, open(path, encoding="utf-8") as old:
    file.write(old.read().replace("ok 3", "OK 3"))
    file.flush()
    os.fsync(file.fileno())
os.replace(path + ".tmp", path)
os.remove(path + "~")
PYTHON
expect_same "$file" <(sed 's/ok 3/OK 3/' "$work/plain.lp")
expect_equal "$(ls -A "$m")" host=a.lp 'names'

# At the end, and with an fsync.
lines 'm,host=a' 10 200 >>"$file"
lines 'm,host=a' 10 210 | dd of="$file" oflag=append conv=notrunc,fsync status=none
expect_same "$file" <(sed 's/ok 3/OK 3/' "$work/plain.lp" && lines 'm,host=a' 20 200)

# Pieces of a line by several commands and processes of one shell.
{
    printf 'm,host=b v=1i'
    printf ' 1000\n'
    sh -c 'printf "m,host=b v="'
    sh -c 'printf "2i 2000\n"'
} >"$m/host=b.lp"
exec 3>>"$m/host=b.lp"
printf 'm,host=b v=3i' >&3
sh -c : 3>&3
printf ' 3000\n' >&3
exec 3>&-
expect_equal "$(cat "$m/host=b.lp")" 'm,host=b v=1i 1000
m,host=b v=2i 2000
m,host=b v=3i 3000' 'pieces of lines'

# A process that shares the file is not told of a line that another one has begun.
python3 - "$m/host=c.lp" <<'PYTHON'
import os
import sys

fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"m,host=c v=1i")
child = os.fork()
if not child:
    try:
        os.close(fd)
    except OSError:
        os._exit(1)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "the child's close failed"
twin = os.dup(fd)
try:
    os.close(twin)
    raise SystemExit("its own close did not fail")
except OSError as error:
    assert error.errno == 22
os.write(fd, b" 1000\n")
os.close(fd)
PYTHON
expect_equal "$(cat "$m/host=c.lp")" 'm,host=c v=1i 1000' 'a shared file'

# Killed in the middle of a line: no row of that half.
python3 - "$m/host=d.lp" <<'PYTHON' || true
import os
import signal
import sys

fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"m,host=d v=1i 1000\nm,host=d v=2i 2")
os.kill(os.getpid(), signal.SIGKILL)
PYTHON
expect_equal "$(cat "$m/host=d.lp")" 'm,host=d v=1i 1000' 'a killed writer'
