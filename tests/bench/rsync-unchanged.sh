#!/usr/bin/env bash
# rsync -a with nothing changed, between two mounts and between two folders of tmpfs that hold the
# same; both had a run before. Prints the medians of several runs and their ratio, with
# BENCH_JSON=1 as a line of JSON. The goal is a ratio of at most 4.
#   rsync-unchanged.sh [TIMELINES [RUNS]]     (20000, 5)
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

timelines=${1:-20000}
runs=${2:-5}
memory=$(mktemp -d /dev/shm/ots.XXXXXX)
trap 'status=$?; set +e; rm -rf "$memory"; (exit "$status"); lib_cleanup' EXIT

start_otslocal "$work/a"
start_otslocal "$work/b"
mount_otsfs "local:$work/a" "$work/from"
mount_otsfs "local:$work/b" "$work/to"
mkdir "$work/from/t" "$work/to/t"
awk -v count="$timelines" 'BEGIN {
    for (i = 0; i < count; i++)
        for (j = 0; j < 3; j++)
            printf "m%d,host=h%06d,az=b busy=%d.25,count=%di %d000000000\n", i % 10, i, j, i, 1700000000 + j
}' >"$work/from/t/.write"
sync "$work/from/t"
# Twice: a target that was made in the second of the source's time is not given that at first, and
# its own moves on with its files.
rsync -a "$work/from/t/" "$work/to/t/"
sync "$work/to/t"
rsync -a "$work/from/t/" "$work/to/t/"
cp -a "$work/from/t" "$memory/from"
cp -a "$work/from/t" "$memory/to"
expect_equal "$(find "$work/to/t" -type f | wc -l)" "$timelines" 'timelines copied'
expect_equal "$(rsync -ai "$work/from/t/" "$work/to/t/")" '' 'what the second run transfers'
expect_equal "$(rsync -ai "$memory/from/" "$memory/to/")" '' 'what the second run transfers in tmpfs'

# milliseconds COMMAND...
milliseconds() {
    local start=${EPOCHREALTIME/./} end
    "$@"
    end=${EPOCHREALTIME/./}
    echo $(((end - start + 500) / 1000))
}
median() {
    sort -n | sed -n "$(((runs + 1) / 2))p"
}
for _ in $(seq "$runs"); do
    milliseconds rsync -a "$work/from/t/" "$work/to/t/" >>"$work/otsfs.ms"
    milliseconds rsync -a "$memory/from/" "$memory/to/" >>"$work/tmpfs.ms"
done
otsfs_ms=$(median <"$work/otsfs.ms")
tmpfs_ms=$(median <"$work/tmpfs.ms")
ratio=$(awk -v a="$otsfs_ms" -v b="$tmpfs_ms" 'BEGIN { printf "%.2f", b ? a / b : 0 }')
if [ "${BENCH_JSON-}" = 1 ]; then
    printf '{"bench":"mount","figure":"rsync_unchanged","unit":"ms","value":%d,"peer":"tmpfs","peer_value":%d,"ratio":%s}\n' \
        "$otsfs_ms" "$tmpfs_ms" "$ratio"
else
    printf '%-10s %-40s %10d %-13s %8s x %s (%d), goal <= 4\n' mount \
        "rsync_unchanged, $timelines timelines" "$otsfs_ms" ms "$ratio" tmpfs "$tmpfs_ms"
fi
