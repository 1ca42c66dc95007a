#!/usr/bin/env bash
# Inside one mount cp carries rows over as rows: each is fetched once and put once, in full puts, and the
# target is not read. Every other way of copying gives the same bytes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

timelines=30 rows=400
total=$((2 * timelines * rows + 12000))
long=cpu/host=long.lp

# rows_copied TABLE: those of the target that did not become text.
rows_copied() {
    python3 -c 'import json, sys
status = json.load(open(sys.argv[1], encoding="utf-8"))
print(status["tables"][sys.argv[2]]["rows"]["copied"])' "$work/both/b/.otsfs/status" "$1"
}

# Put by a mount that ends before the counts begin.
plain_table "$work/plain" "$timelines" "$rows"
lines "cpu,host=long" 12000 >"$work/plain/$long"
start_otslocal "$work/a" --admin
start_otslocal "$work/b" --admin
mount_otsfs "local:$work/a" "$work/first"
cp -r "$work/plain" "$work/first/t"
sync "$work/first/t"
unmount_otsfs "$work/first"

# Without room for text, which what is measured would be copied as.
mount_otsfs "local:$work/a,local:$work/b" "$work/both" -o cache_size=0
ls -l "$work/both/a/t/cpu" >/dev/null
count_from "$work/a"
cp -r "$work/both/a/t" "$work/both/b/"
sync "$work/both/b/t"
expect_equal "$(rows_copied t)" "$total" 'rows that did not become text'
expect_equal "$(counted_since "$work/a" rows_read)" "$total" 'rows fetched'
expect_equal "$(requests "$work/b" rows_put)" "$total" 'rows put'
puts=$(requests "$work/b" PutTimeseriesData)
[ "$puts" -le $((total * 11 / 2000 + 1)) ] || fail "$puts puts of $total rows"

# Sizes are known without a look at the target.
(cd "$work/plain" && stat -c '%n %s' ./*/*) >"$work/sizes"
(cd "$work/both/b/t" && stat -c '%n %s' ./*/*) >"$work/sizes.copy"
expect_same "$work/sizes" "$work/sizes.copy"
expect_equal "$(requests "$work/b" rows_read)" 0 'rows of the target that were read'
diff -r "$work/plain" "$work/both/b/t" || fail 'the copy differs'
mount_otsfs "local:$work/b" "$work/fresh" -o stream=off
diff -r "$work/plain" "$work/fresh/t" || fail 'the copy differs in another mount'
unmount_otsfs "$work/fresh"

# Over rows that are there.
cp -r "$work/both/a/t" "$work/both/b/" || fail 'cp over the copy'
diff -r "$work/plain" "$work/both/b/t" || fail 'the second copy differs'

# The ways that read and write.
for option in reflink=never sparse=always; do
    table=${option#*=}
    cp -rT "--$option" "$work/both/a/t" "$work/both/b/$table" || fail "cp --$option"
    diff -r "$work/plain" "$work/both/b/$table" || fail "what cp --$option copied differs"
    expect_equal "$(rows_copied "$table")" 0 "rows that cp --$option did not make text of"
done
mkdir -p "$work/both/b/dd/cpu"
dd if="$work/both/a/t/$long" of="$work/both/b/dd/$long" bs=10007 status=none || fail dd
expect_same "$work/plain/$long" "$work/both/b/dd/$long"

# Ranges of any kind.
mkdir -p "$work/both/b/ranges/cpu"
python3 - "$work/both/a/t/$long" "$work/both/b/ranges/$long" "$work/plain/$long" <<'E' || fail ranges
import errno, os, random, sys
source = os.open(sys.argv[1], os.O_RDONLY)
text = open(sys.argv[3], "rb").read()
chance = random.Random(3)


def target():
    return os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)


def expect_target():
    got = open(sys.argv[2], "rb").read()
    assert got == text, len(got)


def copy(file, at, size):
    """To the place where it comes from, in as many calls as it takes."""
    end = at + size
    while at < end:
        done = os.copy_file_range(source, file, end - at, at, at)
        assert 0 < done <= end - at, done
        at += done


def expect_invalid(what, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        assert error.errno == errno.EINVAL, error
    else:
        sys.exit(what)


# One call is a whole number of lines.
file = target()
done = os.copy_file_range(source, file, 100000)
assert 99000 < done < 100000 and text[done - 1:done] == b"\n", done
assert os.lseek(source, 0, os.SEEK_CUR) == os.lseek(file, 0, os.SEEK_CUR) == done
# Tools may write and copy in turns.
os.write(file, text[done:done + 50])
os.lseek(source, done + 50, os.SEEK_SET)
while os.copy_file_range(source, file, 1 << 30):
    pass
assert os.lseek(file, 0, os.SEEK_CUR) == len(text)
os.close(file)
expect_target()

for _ in range(10):
    file, at = target(), 0
    while at < len(text):
        size = min(chance.choice([1, 30, 70, 4096, 65536, 300000]), len(text) - at)
        copy(file, at, size)
        at += size
    os.close(file)
expect_target()

# Behind the end there is nothing; a hole is refused, and so is a last line without its end.
file = target()
assert os.copy_file_range(source, file, 1000, len(text), 0) == 0
copy(file, 0, 1000)
expect_invalid("a hole", os.copy_file_range, source, file, 1000, 0, 5000)
expect_invalid("half a line", os.close, file)
expect_target()
E

# Lines of another timeline are rejected, as if they had been written.
expect_failure 'Invalid argument' cp "$work/both/a/t/mem/host=h1.lp" "$work/both/b/ranges/cpu/host=h1.lp"
expect_equal "$(stat -c %s "$work/both/b/ranges/cpu/host=h1.lp")" 0 'size without rows'
expect_equal "$(grep -c '^mem,host=h1' "$work/both/b/.otsfs/rejected/ranges.lp")" "$rows" 'lines rejected'

# Ctrl-C while the target does not answer.
freeze "$otslocal_pid"
setsid env --default-signal=INT cp "$work/both/a/t/$long" "$work/both/b/dd/$long" &
pid=$!
lib_pids+=("$pid")
wait_until waits_for_mount "$pid"
began=$(date +%s%N)
kill -INT "$pid"
wait "$pid" && fail 'an interrupted cp succeeded'
[ $(($(date +%s%N) - began)) -lt 1000000000 ] || fail 'cp did not end at once'
thaw "$otslocal_pid"
sync "$work/both/b/dd"
expect_same "$work/plain/$long" "$work/both/b/dd/$long"
