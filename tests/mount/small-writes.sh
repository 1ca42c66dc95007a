#!/usr/bin/env bash
# Small writes and renames, which are taken at once as long as there is room: when the service is slower than who
# writes nothing is lost or doubled, by one tool and by several, and batches are full.
# SEMANTICS 6 writing.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
files=400
rows=60

start_otslocal "$work/a" --admin
mkdir -p "$work/from/cpu"
awk -v files=$files -v rows=$rows -v folder="$work/from/cpu" 'BEGIN {
    for (i = 0; i < files; i++) {
        path = sprintf("%s/host=h%04d.lp", folder, i)
        for (j = 0; j < rows; j++)
            printf "cpu,host=h%04d busy=%d.25,count=%di %d000000000\n", i, j, i, 1700000000 + j > path
        close(path)
    }
}'
mount_otsfs "local:$work/a" "$work/mnt"
mkdir "$work/mnt/one" "$work/mnt/renamed" "$work/mnt/many" "$work/mnt/many/cpu"
for delay in 0 20; do
    set_faults "{\"rules\": [{\"delay_ms\": $delay}]}"
    count_from "$work/a"
    cp -r "$work/from/cpu" "$work/mnt/one"
    find "$work/from/cpu" -name '*.lp' -print0 | xargs -0 -n 20 -P 6 cp -t "$work/mnt/many/cpu"
    rsync -a --whole-file --ignore-times "$work/from/cpu" "$work/mnt/renamed"
    sync "$work/mnt/one" "$work/mnt/many" "$work/mnt/renamed"
    reset_faults
    expect_counted "$work/a" $((files * rows * 3 * 5 / 4 / 200)) PutTimeseriesData
    diff -rq "$work/from/cpu" "$work/mnt/one/cpu"
    diff -rq "$work/from/cpu" "$work/mnt/renamed/cpu"
    diff -rq "$work/from/cpu" "$work/mnt/many/cpu"
done

# Who is interrupted while the service does not answer has written a part from the front.
mkdir "$work/mnt/slow"
mkdir "$work/mnt/slow/cpu"
set_faults '{"rules": [{"action": "PutTimeseriesData", "delay_ms": 3000}]}'
timeout -s INT 1 cp -r "$work/from/cpu" "$work/mnt/slow" || true
reset_faults
sync "$work/mnt/slow"
for file in "$work/mnt/slow/cpu"/*; do
    cmp -s -n "$(stat -c %s "$file")" "$file" "$work/from/cpu/${file##*/}" || fail "$file is no front part"
done

# The same of who renames; what was not renamed stays as it was, and can be written.
mkdir "$work/mnt/halted"
mkdir "$work/mnt/halted/cpu"
for file in "$work/from/cpu"/*; do cp "$file" "$work/mnt/halted/cpu/.${file##*/}"; done
set_faults '{"rules": [{"action": "PutTimeseriesData", "delay_ms": 3000}]}'
timeout -s INT 1 python3 -c 'import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    os.rename(os.path.join(sys.argv[2], "." + name), os.path.join(sys.argv[2], name))
' "$work/from/cpu" "$work/mnt/halted/cpu" 2>"$work/halted" || true
grep -q KeyboardInterrupt "$work/halted" || fail 'no rename had to wait'
reset_faults
sync "$work/mnt/halted"
left=0
for file in "$work/from/cpu"/*; do
    draft=$work/mnt/halted/cpu/.${file##*/}
    if [ -e "$draft" ]; then
        left=$((left + 1))
        expect_same "$draft" "$file"
        echo >>"$draft"
    else
        expect_same "$work/mnt/halted/cpu/${file##*/}" "$file"
    fi
done
[ "$left" -gt 0 ] || fail 'all were renamed'
[ ! -e "$work/mnt/.otsfs/rejected/halted.lp" ] || fail 'lines of a rename were rejected'
unmount_otsfs "$work/mnt"
