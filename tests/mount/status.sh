#!/usr/bin/env bash
# .otsfs: hidden, read-only but for emptying, and right about what the mount did.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
mount_otsfs "local:$work/data" "$work/mnt" -o "timeout=30,allow_delete"
own=$work/mnt/.otsfs
# status PATH: a value of the status.
status() {
    jq -r "$1" "$own/status"
}

# --- names and what can be done with them ----------------------------------------------------------
expect_equal "$(ls -A "$work/mnt")" '' 'a mount without tables'
expect_equal "$(ls -A "$own")" $'errors\nmetrics\nrejected\nstatus' 'names'
expect_equal "$(ls -A "$own/rejected")" '' 'rejected files'
expect_equal "$(stat -c '%A %n' "$own"/* | sed "s,$own/,,")" \
    $'-rw-r--r-- errors\n-r--r--r-- metrics\ndrwxr-xr-x rejected\n-r--r--r-- status' 'modes'
expect_equal "$(find "$own" -type f | wc -l)" 3 'files'
for name in status metrics; do
    expect_failure 'Permission denied' dd if=/dev/null of="$own/$name" status=none
    expect_failure 'Operation not permitted' rm "$own/$name"
    expect_failure 'Permission denied' truncate -s 0 "$own/$name"
done
expect_failure 'Operation not permitted' dd if=/dev/zero of="$own/errors" bs=1 count=1 conv=notrunc
expect_failure 'Invalid argument' truncate -s 7 "$own/errors"
expect_failure 'Operation not permitted' mkdir "$own/x"
expect_failure 'Operation not permitted' rmdir "$own"
expect_failure 'Operation not permitted' rmdir "$own/rejected"
expect_failure 'Operation not permitted' touch "$own/x"
expect_failure 'Operation not permitted' mv "$own/status" "$own/x"
expect_failure 'No such file or directory' cat "$own/nothing"
expect_failure 'No such file or directory' cat "$own/rejected/t.lp"
expect_failure 'No such file or directory' ls "$work/mnt/.otsfs2"

# --- numbers ---------------------------------------------------------------------------------------
mkdir "$work/mnt/t" "$work/mnt/t/cpu"
expect_failure 'No such file or directory' ls "$work/mnt/t/.otsfs"
lines cpu,host=a 450 >"$work/mnt/t/cpu/host=a.lp"
{ lines cpu,host=b 50 && echo 'cpu,host=b v=1i 1000000000000000001'; } >"$work/mnt/t/cpu/host=b.lp"
sync "$work/mnt/t"
expect_equal "$(status .tables.t.rows.stored)" 501 'rows stored'
expect_equal "$(status .tables.t.rows.taken)" 501 'rows taken'
expect_equal "$(status .tables.t.rows.on_their_way)" 0 'rows on their way'
expect_equal "$(status .tables.t.rows.refused)" 0 'rows refused'
expect_equal "$(status .tables.t.lines.rejected)" 0 'lines rejected'
expect_equal "$(status .tables.t.lines.digits_cut)" 1 'lines whose time was cut'
expect_equal "$(status .tables.t.journal.batches)" 0 'batches in the journal'
own_records() {
    [ "$(status .tables.t.stream.own)" = 501 ]
}
wait_until own_records
expect_equal "$(status .tables.t.stream.state)" following 'the stream'
expect_equal "$(status .tables.t.stream.foreign)" 0 'records of others'
expect_equal "$(status .tables.t.stream.stored)" true 'whether what is known is stored'
# Another mount scans the table once.
mount_otsfs "local:$work/data" "$work/fresh"
ls -l "$work/fresh/t/cpu" >"$work/listing"
scan() {
    jq -r ".tables.t.scan.$1" "$work/fresh/.otsfs/status"
}
expect_equal "$(scan rows)" 501 'rows of the last scan'
expect_equal "$(scan timelines)" 2 'timelines of the last scan'
[ "$(scan age_seconds)" -le 60 ] || fail 'age of the scan'
unmount_otsfs "$work/fresh"
expect_equal "$(status .source.instance)" local 'the instance'
expect_equal "$(status .source.endpoint)" "$work/data" 'the endpoint'
expect_equal "$(status .version)" "$("$otsfs" --version | cut -d ' ' -f 2)" 'the version'
expect_equal "$(status .source.settle)" 2 'when windows of changes are complete'
expect_equal "$(status .options.timeout)" 30 'the time-out'
expect_equal "$(status .options.allow_delete)" true 'allow_delete'
expect_equal "$(status .options.stream)" on 'the stream'
expect_equal "$(status .options.poll)" 1 'poll'
expect_equal "$(status .listings_incomplete)" false 'whether listings are incomplete'

# The numbers of requests are those that the service counted.
expect_equal "$(status .requests.PutTimeseriesData.requests)" "$(counter PutTimeseriesData calls)" 'puts'
set_faults '{"rules": [{"action": "PutTimeseriesData", "nth": 1, "code": "OTSServerBusy"}]}'
lines cpu,host=a 1 1000 >>"$work/mnt/t/cpu/host=a.lp"
sync "$work/mnt/t"
expect_equal "$(status .requests.PutTimeseriesData.retries)" 1 'retries'
expect_equal "$(status .requests.PutTimeseriesData.failures)" 0 'failed puts'

# Rows wait while the service is busy, and are in the journal.
set_faults '{"rules": [{"action": "PutTimeseriesData", "code": "OTSServerBusy"}]}'
lines cpu,host=a 3 2000 >>"$work/mnt/t/cpu/host=a.lp"
expect_equal "$(status .tables.t.rows.on_their_way)" 3 'rows that wait'
expect_equal "$(status .tables.t.journal.batches)" 1 'batches that wait'
[ "$(status .tables.t.journal.bytes)" -gt 0 ] || fail 'the journal is empty'
expect_failure 'Directory not empty' rmdir "$work/mnt/t"
reset_faults
sync "$work/mnt/t"
expect_equal "$(status .tables.t.rows.on_their_way)" 0 'rows that wait no more'
expect_equal "$(status .tables.t.rows.stored)" 505 'rows stored in the end'

# --- metrics ---------------------------------------------------------------------------------------
python3 - "$own/metrics" <<'EOF' || fail 'metrics'
import re
import sys

text = open(sys.argv[1]).read()
assert text.endswith("\n")
label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
sample = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{%s(?:,%s)*\} (\d+(?:\.\d+)?)$" % (label, label))
kinds, family, seen, values = {}, None, set(), {}
for line in text.splitlines():
    words = line.split(" ", 3)
    if line.startswith("# HELP "):
        family = words[2]
        assert family not in kinds and words[3], line
    elif line.startswith("# TYPE "):
        assert words[2] == family and words[3] in ("counter", "gauge"), line
        assert words[3] != "counter" or family.endswith("_total"), line
        kinds[family] = words[3]
    else:
        match = sample.match(line)
        assert match and match.group(1) == family and family in kinds, line
        key = line.rsplit(" ", 1)[0]
        assert key not in seen, line
        seen.add(key)
        values[key] = float(match.group(2))
assert values['otsfs_rows_stored_total{source="data",table="t"}'] == 505, values
assert values['otsfs_service_retries_total{source="data",action="PutTimeseriesData"}'] >= 1, values
EOF

# --- tools -----------------------------------------------------------------------------------------
cat "$own/metrics" >"$work/one"
cp "$own/metrics" "$work/two" || fail 'cp'
expect_equal "$(cut -d '{' -f 1 "$work/one" | sort -u | wc -l)" "$(cut -d '{' -f 1 "$work/two" | sort -u | wc -l)" 'metrics that cp copied'
jq -e . <"$own/status" >/dev/null || fail 'jq'
grep -rq otsfs_rows_stored_total "$own" || fail 'grep -r'
expect_equal "$(tail -n 1 "$own/status")" '}' 'the last line of the status'
expect_equal "$(wc -c <"$own/status")" "$(stat -c %s "$own/status")" 'size of the status'

# tail -f sees what comes, and goes on when the file is emptied.
tail -n +1 -s 0.05 -f "$own/errors" >"$work/followed" 2>"$work/tail.log" &
tail_pid=$!
lib_pids+=("$tail_pid")
echo nonsense >>"$work/mnt/t/cpu/host=a.lp" 2>"$work/echo.log" || true
wait_until grep -q 't/cpu/host=a.lp:1' "$work/followed"
: >"$own/errors"
expect_equal "$(stat -c %s "$own/errors")" 0 'errors that were emptied'
wait_until grep -q truncated "$work/tail.log"
echo more nonsense >>"$work/mnt/t/cpu/host=b.lp" 2>"$work/echo.log" || true
wait_until grep -q 't/cpu/host=b.lp:1' "$work/followed"
expect_equal "$(grep -c 'host=a.lp:1' "$work/followed")" 1 'lines that tail told twice'

# --- what is kept ----------------------------------------------------------------------------------
expect_equal "$(status .tables.t.lines.rejected)" 2 'lines rejected'
stop "$tail_pid" || true
unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt"
grep -q 't/cpu/host=b.lp:1' "$own/errors" || fail 'errors of the mount before'
expect_equal "$(ls "$own/rejected")" t.lp 'rejected files of the mount before'
ls "$work/mnt" >"$work/listing"
expect_equal "$(status '.tables.t.lines.rejected')" 0 'lines rejected by this mount'
rm "$own/errors" "$own/rejected/t.lp" || fail 'rm of what is kept'
expect_equal "$(ls -A "$own/rejected")" '' 'rejected files after rm'
expect_equal "$(cat "$own/errors")" '' 'errors after rm'
unmount_otsfs "$work/mnt"

# --- several sources, and browsing -----------------------------------------------------------------
mount_otsfs "local:$work/data,local:$work/more" "$work/mnt" -o browse,allow_delete
expect_failure 'No such file or directory' ls "$own"
mkdir "$work/mnt/more/u"
own=$work/mnt/more/.otsfs
expect_equal "$(status '.tables | keys[0]')" u 'tables of one source'
expect_equal "$(status .source.name)" more 'name of one source'
own=$work/mnt/data/.otsfs
ls "$work/mnt/data/t" >"$work/listing"
expect_equal "$(status '.tables | keys[0]')" t 'tables of the other source'
expect_equal "$(status .listings_incomplete)" true 'whether listings are incomplete'
expect_equal "$(status .tables.t.scan.timelines)" 2 'timelines that browsing found'
rm "$work/mnt/data/t/cpu/host=a.lp" || fail 'rm when browsing'
expect_equal "$(ls "$work/mnt/data/t/cpu")" host=b.lp 'timelines after rm when browsing'
