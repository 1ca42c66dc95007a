#!/usr/bin/env bash
# cp -r and grep -r of many timelines of 6 KiB in a table that was measured, into memory, against the
# same between two folders of tmpfs; and with 5 ms more for each request. Prints the medians of
# several runs and their ratios, and how many requests one run takes.
#   read-small.sh [TIMELINES [RUNS]]     (20000, 3)
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

timelines=${1:-20000}
runs=${2:-3}
memory=$(mktemp -d /dev/shm/ots.XXXXXX)
trap 'rm -rf "$memory"; lib_cleanup' EXIT

start_otslocal "$work/a" --admin
mount_otsfs "local:$work/a" "$work/from"
mkdir "$work/from/t"
# 64 rows of 96 bytes each.
awk -v count="$timelines" 'BEGIN {
    for (j = 0; j < 64; j++)
        for (i = 0; i < count; i++)
            printf "cpu,host=h%06d,az=b busy=%d.25,count=%07di,state=\"some text or other\",w=%08d.5 %d000000000\n", i, 10 + j, i, i, 1700000000 + j
}' >"$memory/lines"
for part in 1 2 3 4; do
    split -n "l/$part/4" "$memory/lines" >"$work/from/t/.write"
done
rm "$memory/lines"
sync "$work/from/t"
ls -lR "$work/from/t" >/dev/null
cp -r "$work/from/t" "$memory/from"
du -sb "$memory/from"

# milliseconds COMMAND...
milliseconds() {
    local start=${EPOCHREALTIME/./} end
    "$@" >/dev/null || true
    end=${EPOCHREALTIME/./}
    echo $(((end - start + 500) / 1000))
}
# median COMMAND...: of several runs; what it copies is removed between them.
median() {
    for _ in $(seq "$runs"); do
        milliseconds "$@"
        rm -rf "$memory/to"
    done | sort -n | sed -n "$(((runs + 1) / 2))p"
}
# tell NAME TIME CEILING CEILING_NAME
tell() {
    printf '%-40s %8d ms %8s x %s (%d ms)\n' "$1" "$2" "$(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", b ? a / b : 0 }')" "$4" "$3"
}
declare -A commands=([cp]="cp -r DIR $memory/to" [grep]='grep -rF none-of-them DIR')
for name in cp grep; do
    read -ra otsfs_run <<<"${commands[$name]/DIR/$work/from/t}"
    read -ra tmpfs_run <<<"${commands[$name]/DIR/$memory/from}"
    tmpfs_ms=$(median "${tmpfs_run[@]}")
    count_from "$work/a"
    otsfs_ms=$(median "${otsfs_run[@]}")
    tell "$name, $timelines timelines" "$otsfs_ms" "$tmpfs_ms" tmpfs
    for what in GetTimeseriesData ScanTimeseriesData rows_read; do
        echo "  $what in $runs runs: $(counted_since "$work/a" "$what")"
    done
    set_faults '{"rules": [{"delay_ms": 5}]}'
    slow_ms=$(median "${otsfs_run[@]}")
    reset_faults
    tell "  with 5 ms for each request" "$slow_ms" "$otsfs_ms" 'without'
done
