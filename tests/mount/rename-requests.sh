#!/usr/bin/env bash
# What rsync costs in requests of the kernel: a timeline that a rename has made has the number of the
# temporary file, which the kernel knows, so both names are looked up as seldom as elsewhere.
# SEMANTICS 6.2.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
timelines=600

plain_table "$work/plain" $((timelines / 2)) 1
mkdir "$work/mnt"
"$otsfs" "local:$work/data" "$work/mnt" -d -o "state_dir=$work/states/mnt" 2>"$work/requests" &
lib_pids+=("$!")
lib_mounts+=("$work/mnt")
wait_until is_mounted "$work/mnt"

# lookups COMMAND...: how many it takes, for each timeline in tenths.
lookups() {
    local before
    before=$(grep -ac 'opcode: LOOKUP (' "$work/requests" || true)
    "$@" >&2
    echo "$((10 * ($(grep -ac 'opcode: LOOKUP (' "$work/requests") - before) / timelines))"
}

mkdir "$work/mnt/t"
first=$(lookups rsync -a "$work/plain/" "$work/mnt/t")
[ "$first" -lt 45 ] || fail "rsync: $first / 10 lookups for each file"
again=$(lookups rsync -a "$work/plain/" "$work/mnt/t")
[ "$again" -lt 15 ] || fail "rsync again: $again / 10 lookups for each file"
diff -r "$work/plain" "$work/mnt/t"

# The number stays with the file.
dir=$(dirname "$(find "$work/mnt/t" -name '*.lp' -print -quit)")
measurement=$(basename "$dir")
echo "$measurement,host=new v=1i 1000000000" >"$dir/.new"
number=$(stat -c %i "$dir/.new")
mv "$dir/.new" "$dir/host=new.lp"
expect_equal "$(stat -c %i "$dir/host=new.lp")" "$number" 'the number of a new timeline'
# A timeline that was there keeps its own, and whoever names it finds it at once.
echo "$measurement,host=new v=2i 2000000000" >"$dir/.new"
exec 5<"$dir/.new"
mv "$dir/.new" "$dir/host=new.lp"
expect_equal "$(wc -l <"$dir/host=new.lp")" 2 'its rows'
expect_equal "$(cat <&5)" "$measurement,host=new v=2i 2000000000" 'the file that was renamed'
exec 5<&-
expect_equal "$(stat -c %i "$dir/host=new.lp")" "$number" 'the number of a timeline that was there'
touch -d 2020-01-01 "$dir/host=new.lp"
expect_equal "$(stat -c %Y "$dir/host=new.lp")" "$(date -d 2020-01-01 +%s)" 'its time'
