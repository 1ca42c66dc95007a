#!/usr/bin/env bash
# What docs/BENCHMARKS.md promises in requests and rows, at a small scale: puts for each million rows,
# rows fetched twice, both ends of a long timeline, a table of which nothing changed, a window of
# changes. Says nothing about time.
# SEMANTICS 3.1; 5 read; 6.1 write.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

TMPDIR=$work "$top/tests/bench/run" --build "$build" --out "$work/out" --scale small --check \
    copy files million ends window >"$work/bench.log" 2>&1 || fail "$(tail -n 20 "$work/bench.log")"

# figures PATTERN: how many counts with a goal have that in their names.
figures() {
    jq --arg name "$1" '[.sections[].figures[] | select(.is_count and .goal and (.figure | test($name)))] | length' \
        "$work/out/report.json"
}
expect_equal "$(figures ': puts$')" 5 'figures of puts'
expect_equal "$(figures 'fetched twice$')" 6 'figures of rows fetched twice'
expect_equal "$(figures '(head|tail).*requests$')" 4 'figures of both ends'
expect_equal "$(figures 'rows? read$|records read$')" 6 'figures of what is read'
# The page is made of such reports.
mkdir "$work/docs"
cp "$top/docs/BENCHMARKS.md" "$work/docs/"
python3 -B "$top/tests/bench/mounts/report.py" "$work/out/report.json" "$work/docs"
grep -q 'head -c1' "$work/docs/BENCHMARKS.md" || fail 'the page lacks the figures'
python3 -c 'import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])' "$work/docs/benchmarks/chart.svg"
