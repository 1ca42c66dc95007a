#!/usr/bin/env bash
# `.fields`: only the named fields, as a filter of the whole file's lines picks them; with types;
# nested with `.range`; asked of the service.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mnt=$work/mnt
mount_otsfs "local:$work/data" "$mnt"
mkdir "$mnt/t" "$mnt/t/cpu"

# Fields of all types; not every row has all of them, and `mixed` changes its type.
awk 'BEGIN {
    for (i = 0; i < 12000; i++) {
        line = sprintf("a_int=%di", i)
        if (i % 2 == 0) line = line sprintf(",b_real=%d.5", i)
        if (i % 3 == 0) line = line sprintf(",c_text=\"say %d\"", i)
        if (i % 5 == 0) line = line (i % 10 ? ",d_flag=false" : ",d_flag=true")
        if (i % 7 == 0) line = line ",e_blob@b64=\"AAEC\""
        line = line (i % 4 ? ",mixed=1i" : ",mixed=\"x\"")
        printf "cpu,host=a %s %d000000000\n", line, 1700000000 + i
    }
}' >"$work/a.lp"
lines 'cpu,host=b' 10 >"$work/b.lp"
cp "$work/a.lp" "$mnt/t/cpu/host=a.lp"
cp "$work/b.lp" "$mnt/t/cpu/host=b.lp"
expect_same "$mnt/t/cpu/host=a.lp" "$work/a.lp"

# only PATTERN FILE: of each line the fields whose text matches; no line without any.
only() {
    perl -ne '
        BEGIN { $pattern = shift @ARGV }
        my ($series, $fields, $time) = /^(\S+) (.*) (\d+)$/ or die;
        my @fields = grep { /^(?:$pattern)$/ } $fields =~ /((?:[^,"]|"[^"]*")+)/g;
        print "$series ", join(",", @fields), " $time\n" if @fields;
    ' "$1" "$2"
}

check() {
    local list=$1 pattern=$2
    only "$pattern" "$work/a.lp" >"$work/wanted"
    [ -s "$work/wanted" ] || fail "nothing is wanted of $list"
    expect_same "$mnt/t/.fields/$list/cpu/host=a.lp" "$work/wanted"
    expect_equal "$(stat -c %s "$mnt/t/.fields/$list/cpu/host=a.lp")" \
        "$(stat -c %s "$work/wanted")" "size of $list"
}
check a_int 'a_int=.*'
check b_real 'b_real=.*'
check c_text,a_int '(c_text|a_int)=.*'
check a_int,c_text '(c_text|a_int)=.*'
check e_blob 'e_blob@b64=.*'
check d_flag:boolean 'd_flag=.*'
check mixed 'mixed=.*'
check mixed:integer 'mixed=\d+i'
check mixed:string 'mixed=".*'
check c_text:string,e_blob:binary '(c_text=|e_blob@).*'
check nothing,b_real:double 'b_real=.*'
expect_equal "$(find "$mnt/t/.fields/mixed:double" -mindepth 1)" '' 'no field of that type'
expect_equal "$(find "$mnt/t/.fields/nothing" -mindepth 1)" '' 'no such field'
expect_equal "$(ls "$mnt/t/.fields/busy/cpu")" 'host=b.lp' 'only timelines that have it'
expect_equal "$(ls "$mnt/t/.fields/busy,a_int/cpu")" $'host=a.lp\nhost=b.lp' 'both'
cp -r "$mnt/t/.fields/state" "$work/copy"
only 'state=.*' "$work/b.lp" >"$work/wanted"
expect_same "$work/copy/cpu/host=b.lp" "$work/wanted"

# Nested, in any order; fields within fields are those in both.
between() {
    awk '{ s = substr($NF, 1, 10) + 0 } s >= 1700000100 && s < 1700003700' "$1"
}
range=20231114221500Z-20231114231500Z
only 'c_text=.*' "$work/a.lp" | between - >"$work/wanted"
expect_same "$mnt/t/.range/$range/.fields/c_text/cpu/host=a.lp" "$work/wanted"
expect_same "$mnt/t/.fields/c_text/.range/$range/cpu/host=a.lp" "$work/wanted"
expect_same "$mnt/t/.fields/a_int,c_text/.range/$range/.fields/c_text,d_flag/cpu/host=a.lp" "$work/wanted"
expect_failure 'No such file or directory' ls "$mnt/t/.fields/a_int/.fields/c_text"

# Not filtered here: a field that few rows have makes few rows travel.
admin_call reset -X POST >/dev/null
stat "$mnt/t/.fields/e_blob:binary,nothing" >/dev/null
grep -c . "$mnt/t/.fields/e_blob:binary,nothing/cpu/host=a.lp" >"$work/count"
rows=$(($(counter GetTimeseriesData rows_out) + $(counter ScanTimeseriesData rows_out)))
[ "$rows" -gt 0 ] || fail 'the rows were not counted'
[ "$rows" -le $((3 * $(cat "$work/count"))) ] || fail "$rows rows travelled"

# Nothing can be changed, and names that are none.
expect_failure 'Read-only file system' touch "$mnt/t/.fields/a_int/cpu/host=a.lp"
expect_failure 'Read-only file system' mkdir "$mnt/t/.fields/A"
for list in ',' 'a,' ',a' 'a,,b' 'a,a' 'a:integer,a' a:int a: A 1a a.b 'a b' _tags; do
    expect_failure 'No such file or directory' ls "$mnt/t/.fields/$list"
done
expect_equal "$(ls -A "$mnt/t/.fields")" '' 'the directory of views lists nothing'
unmount_otsfs "$mnt"
