#!/usr/bin/env bash
# scripts/collect-proc prints line protocol that a table can store, whatever processes are called.
set -euo pipefail
export LC_ALL=C
top=$(cd "$(dirname "$0")/../.." && pwd)
collect=$top/scripts/collect-proc
work=$(mktemp -d)
children=()
cleanup() {
    [ ${#children[@]} = 0 ] || kill "${children[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "$*"
    exit 1
}

# A process whose name is the argument's bytes; its pid is $named then.
start_named() {
    rm -f "$work/ready"
    # One write for the whole name: the kernel takes each write as a name of its own.
    perl -e 'open my $comm, ">", "/proc/self/comm" or die; syswrite $comm, $ARGV[0];
        open my $ready, ">", $ARGV[1] or die; sleep 600' -- "$1" "$work/ready" &
    named=$!
    children+=("$named")
    for _ in $(seq 200); do
        [ ! -e "$work/ready" ] || return 0
        sleep 0.05
    done
    fail 'no process to look at'
}
start_named $'a b,c="d\\e'
hostile=$named
start_named $') S 1 (\n/x\xff\xc3'
broken=$named

"$collect" --count 3 --interval 0.1 --host 'web 1' >"$work/lines" 2>"$work/err" || fail 'exit status'
[ ! -s "$work/err" ] || fail "$(cat "$work/err")"

# --- every line's shape: measurement, sorted tags, typed fields, a time in ns that ends in 000
text='([^\, ="]|\\[ ,])+'
string='"([^"\]|\\["\])*"'
field="[a-z_][a-z0-9_]*=(-?[0-9]+i|-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?|true|false|$string)"
grep -aEvx "[a-z]+,_data_source=web\\\\ 1(,[a-z]+=$text)* $field(,$field)* [0-9]{16}000" \
    "$work/lines" >"$work/bad" || true
grep -aP '[\x00-\x08\x0a-\x1f\x7f]' "$work/lines" >>"$work/bad" || true
[ ! -s "$work/bad" ] || fail "$(head -n 5 "$work/bad")"
LC_ALL=C.UTF-8 grep -qavx '.*' "$work/lines" && fail 'not UTF-8'

measurements=$(cut -d, -f1 "$work/lines" | sort -u | wc -l)
[ "$measurements" -ge 6 ] || fail "only $measurements measurements"
times=$(sed 's/.* //' "$work/lines" | uniq | sort -u | wc -l)
[ "$times" = 3 ] || fail "$times different times in 3 samples"
for sort in '=[0-9]*i[, ]' '=[0-9]*\.[0-9]*[, ]' '=true[, ]\|=false[, ]' '="[^"]*"[, ]'; do
    grep -q -e "$sort" "$work/lines" || fail "no field like $sort"
done
series=$(sed 's/\([^\\]\) .*/\1/' "$work/lines" | sort | uniq -c | awk '$1 > 3')
[ -z "$series" ] || fail "a timeline twice in one sample: $series"

# --- hostile names: escaped, and what a tag cannot hold is replaced
grep -qaF "process,_data_source=web\\ 1,name=a\\ b\\,c__d_e,pid=$hostile state=" "$work/lines" ||
    fail "hostile name: $(grep -a "pid=$hostile " "$work/lines")"
grep -qaF "name=)\\ S\\ 1\\ (_/x"$'\xef\xbf\xbd\xef\xbf\xbd'",pid=$broken state=" "$work/lines" ||
    fail "name with parentheses, line end and broken UTF-8: $(grep -a "pid=$broken " "$work/lines")"

# --- --tree: the same lines, a file per timeline with otsfs's names
"$collect" --count 2 --interval 0 --host '' --tree "$work/tree" >"$work/out" || fail 'exit status'
[ ! -s "$work/out" ] || fail '--tree also prints'
file="$work/tree/process/name=a%20b%2Cc__d_e,pid=$hostile.lp"
[ "$(wc -l <"$file")" = 2 ] || fail "not two lines in $file"
grep -q "^process,name=a\\\\ b\\\\,c__d_e,pid=$hostile state=" "$file" || fail "wrong lines in $file"
[ "$(wc -l <"$work/tree/load/_.lp")" = 2 ] || fail 'a timeline without tags is not _.lp'
[ -e "$work/tree/cpu/cpu=all.lp" ] || fail 'no cpu/cpu=all.lp'
# Each file holds one series only, and a second run appends.
"$collect" --count 1 --host= --tree="$work/tree"
[ "$(wc -l <"$work/tree/load/_.lp")" = 3 ] || fail 'a second run does not append'
find "$work/tree" -name '*.lp' | while IFS= read -r path; do
    [ "$(sed 's/\([^\\]\) .*/\1/' "$path" | sort -u | wc -l)" = 1 ] || fail "several series in $path"
done

# --- endless until stopped, and then in whole lines
timeout -s TERM 1 "$collect" --interval 0 >"$work/lines" || [ $? = 124 ] || fail 'not endless'
[ "$(tail -c 1 "$work/lines" | od -An -tx1 | tr -d ' ')" = 0a ] || fail 'ends in half a line'
last=$(tail -n 1 "$work/lines" | sed 's/.* //')
[ "$(grep -c " $last\$" "$work/lines")" -gt 20 ] || fail 'ends in half a sample'

# --- what cannot be done is said
for wrong in '--interval x' '--count -1' '--nonsense 1' '--count' 'word' \
    "--host $(printf 'x%.0s' $(seq 65))" "--tree $work/no/such" '--count 1 --tree /proc'; do
    # shellcheck disable=SC2086 # options and their values
    if "$collect" $wrong >/dev/null 2>"$work/err" </dev/null; then
        fail "accepted: $wrong"
    fi
    [ -s "$work/err" ] || fail "silent about: $wrong"
done
"$collect" --count 1 >/dev/full 2>"$work/err" && fail 'a full disk is no error'
"$collect" --help | grep -q -e --tree
