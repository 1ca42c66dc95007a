# Tables that are none, for tests of what otsfs-increment makes of windows, clocks and failures; the
# real ones are in tests/mount/increment.sh. Sourced after tests/lib.sh.
#
# $one/t and $two/t are the tables. A window that somebody looks into has one file, named as the
# window. What is to go wrong is told by files in $work/fate: again, gone, denied, refuse, broken,
# fail, hang.
# shellcheck shell=bash
# shellcheck disable=SC2154 # lib.sh sets them
one=$work/one two=$work/two
mkdir -p "$one/t" "$two/t" "$one/.otsfs" "$two/.otsfs" "$work/fake" "$work/fate"
PATH=$work/fake:$top/scripts:$PATH
export FAKE=$work FAKE_NOW=''

# set_counts REFUSED REJECTED STORED
set_counts() {
    cat >"$two/.otsfs/metrics" <<END
# HELP otsfs_mount_time_seconds When the mount began.
otsfs_mount_time_seconds{source="a b"} 1700000000.000001
otsfs_rows_stored_total{source="a b",table="t"} $3
otsfs_rows_stored_total{source="a b",table="tt"} 77
otsfs_rows_refused_total{source="a b",table="t"} $1
otsfs_lines_rejected_total{source="a b",table="t"} $2
otsfs_lines_rejected_total{source="a b",table="tt"} 9
END
}
# set_service_time TEXT: of the source.
set_service_time() {
    printf '{\n\t"version":\t"1",\n\t"service_time":\t"%s",\n\t"source":\t{\n\t\t"endpoint":\t"/one",\n\t\t"instance":\t"x"\n\t},\n\t"options":\t{\n\t\t"settle":\t2\n\t}\n}\n' \
        "$1" >"$one/.otsfs/status"
}
: >"$one/.otsfs/metrics"
set_service_time 2026-03-01T12:00:00Z
sed 's,/one,/two,' "$one/.otsfs/status" >"$two/.otsfs/status"
set_counts 0 0 100

# fake NAME: a command of that name, its script on standard input.
fake() {
    { echo '#!/bin/sh' && cat; } >"$work/fake/$1"
    chmod +x "$work/fake/$1"
}
fake findmnt <<'EOF2'
case "$*" in *"$FAKE"/one* | *"$FAKE"/two*) echo fuse.otsfs ;; *) echo ext4 ;; esac
EOF2
fake date <<'EOF2'
[ "$#$1" != 1+%s ] || [ -z "$FAKE_NOW" ] || { echo "$FAKE_NOW"; exit; }
exec /bin/date "$@"
EOF2
fake sync <<'EOF2'
case "$*" in "-- $FAKE/two/t") [ ! -e "$FAKE/fate/unsynced" ] || exit 1 ;; esac
exec /bin/sync "$@"
EOF2
fake ls <<'EOF2'
for last; do :; done
window=${last##*/}
error() { echo "ls: cannot access '$last': $1" >&2; exit 2; }
if [ -s "$FAKE/fate/again" ]; then
    sed -i 1d "$FAKE/fate/again"
    error 'Resource temporarily unavailable'
fi
[ ! -e "$FAKE/fate/gone" ] || error 'No data available'
[ ! -e "$FAKE/fate/denied" ] || error 'Permission denied'
mkdir -p "$last/cpu"
echo "$window" >"$last/cpu/$window"
EOF2
fake cp <<'EOF2'
[ ! -e "$FAKE/fate/hang" ] || { : >"$FAKE/hangs"; exec /bin/sleep 600; }
[ ! -e "$FAKE/fate/fail" ] || { echo "cp: error writing 'x': Input/output error" >&2; exit 1; }
/bin/cp "$@" || exit
add() { sed -i "s/^\($1{.*table=\"t\"}\) $2/\1 $3/" "$FAKE/two/.otsfs/metrics"; }
add otsfs_rows_stored_total 100 107
[ ! -e "$FAKE/fate/refuse" ] || add otsfs_rows_refused_total 0 3
[ ! -e "$FAKE/fate/reject" ] || add otsfs_lines_rejected_total 0 2
[ ! -e "$FAKE/fate/remount" ] || sed -i 's/17000000/18000000/' "$FAKE/two/.otsfs/metrics"
EOF2

# windows: what was copied since the last call, in order of time.
windows() {
    find "$two/t" -type f -printf '%f\n' | sort
    rm -rf "$two/t/cpu" "$one/t/.changes" "$two/t/.changes"
    set_counts 0 0 100
}
# run_increment STATUS [OPTION...]: run it, with that exit status. Its output is in $work/out, $work/err.
run_increment() {
    local wanted=$1 status=0
    shift
    otsfs-increment "$one/t" "$two/t" "$@" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" = "$wanted" ] || fail "exit status $status of $*, not $wanted: $(cat "$work/out" "$work/err")"
}
# forget: as if nothing had been copied.
forget() {
    rm -rf "$work/state/otsfs/increments"
    windows >"$work/windows"
}
