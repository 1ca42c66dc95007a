#!/usr/bin/env bash
# The end and any other place of a long timeline cost a few requests once it was measured, and tail -f
# shows rows that are appended.
# SEMANTICS 5: read anywhere, growth.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

export TMPDIR=$work/spool
mkdir "$TMPDIR"
start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m"

# Over 100 MB in long lines, and over 10 MB in short ones.
awk 'BEGIN {
    for (i = 0; i < 1000; i++) text = text "x"
    for (i = 0; i < 105000; i++)
        printf "m,n=long i=%di,text=\"%s %d\" %d000000000\n", i, text, i, 1700000000 + i
}' >"$work/long"
awk 'BEGIN {
    for (i = 0; i < 300000; i++) printf "m,n=short v=%di %d000000000\n", i % 10, 1700000000 + i
}' >"$work/short"
[ "$(stat -c %s "$work/long")" -gt 105000000 ] || fail 'too short for this test'
cp "$work/long" "$work/mnt/t/m/n=long.lp"
cp "$work/short" "$work/mnt/t/m/n=short.lp"
sync "$work/mnt/t"

# costs MOST COMMAND...: it makes at most so many requests; its output is in $work/out. Measured
# before, and again when what is known has grown old meanwhile.
costs() {
    local most=$1 requests
    shift
    for _ in 1 2 3 4 5; do
        stat "$work"/mnt/t/m/*.lp >"$work/stat"
        reset_faults
        "$@" >"$work/out" || fail "$*"
        [ "$(counter SplitTimeseriesScanTask calls)" != 0 ] || break
    done
    requests=$(counter GetTimeseriesData calls)
    [ "$requests" -le "$most" ] || fail "$requests requests: $*"
}
# part FILE OFFSET SIZE
part() {
    dd if="$1" bs=65536 iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none
}

for name in long short; do
    file=$work/mnt/t/m/n=$name.lp plain=$work/$name
    size=$(stat -c %s "$plain")
    expect_equal "$(stat -c %s "$file")" "$size" "size of $name"
    costs 3 tail -n 10 "$file"
    expect_same "$work/out" <(tail -n 10 "$plain")
    costs 3 tail -c 100000 "$file"
    expect_same "$work/out" <(tail -c 100000 "$plain")
    costs 2 head -n 5 "$file"
    expect_same "$work/out" <(head -n 5 "$plain")
    for percent in 1 23 50 77 99; do
        offset=$((size * percent / 100))
        costs 2 part "$file" "$offset" 5000
        expect_same "$work/out" <(part "$plain" "$offset" 5000)
    done
done
# Read through: no row twice, one page after another.
costs 130 cat "$work/mnt/t/m/n=long.lp"
expect_same "$work/out" "$work/long"
expect_equal "$(counter GetTimeseriesData rows_out)" 105000 'rows that were read'
costs 70 cat "$work/mnt/t/m/n=short.lp"
expect_same "$work/out" "$work/short"
expect_equal "$(counter GetTimeseriesData rows_out)" 300000 'rows that were read'
expect_equal "$(ls -A "$TMPDIR")" '' 'left in the temporary folder'

# A later mount knows where to begin without having read anything.
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
for name in long short; do
    costs 3 tail -n 10 "$work/mnt/t/m/n=$name.lp"
    expect_same "$work/out" <(tail -n 10 "$work/$name")
done

# tail -f and -F see what is appended, to a short timeline and a long one, and nothing twice.
for name in long new; do
    file=$work/mnt/t/m/n=$name.lp
    [ -e "$file" ] || lines m,n=new 3 >"$file"
    for how in -f -F; do
        tail "$how" -s 0.05 -n 1 "$file" >"$work/followed" 2>"$work/follow.err" &
        follower=$!
        lib_pids+=("$follower")
        tail -n 1 "$file" >"$work/wanted"
        followed_all() {
            cmp -s "$work/followed" "$work/wanted"
        }
        wait_until followed_all
        for round in 1 2 3; do
            date +"m,n=$name v=${round}i %s%N" | sed 's/...$/000/' >>"$work/wanted"
            tail -n 1 "$work/wanted" >>"$file"
            wait_until followed_all
        done
        stop "$follower" || true
        expect_equal "$(cat "$work/follow.err")" '' "what tail $how says"
    done
done
