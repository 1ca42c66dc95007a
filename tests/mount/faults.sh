#!/usr/bin/env bash
# Every fault that otslocal can play, against cp -r and rsync -a, writing and reading: a run ends well
# with every row in place, or it fails, and then each row that was handed over is in the table, in the
# journal, from where the next mount puts it, or in .otsfs/rejected.
#   faults.sh [--all | NAME...]     without it: some of each kind
# SEMANTICS 6.1 write, flush, fsyncdir; 6.4; 9.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

plain_table "$work/plain" 6 80
cat "$work"/plain/*/*.lp | sort >"$work/plain.rows"

# phase | how a run must end | which | name | faults
# It ends `well`: exit 0, equal content. It `fails`: exit status not 0. Or `either`.
# Read phases name in place of a phase what is asked of the source: `read`.
# PUT, GET, SCAN, SPLIT and META stand for the actions.
table() {
    local code
    cat <<'TABLE'
write | well   | short | busy        | {"rules": [{PUT, "times": 3, "code": "OTSServerBusy"}]}
write | well   | all   | every-fifth | {"rules": [{"every": 5, "code": "OTSPartitionUnavailable"}]}
write | well   | all   | every-third | {"rules": [{"every": 3, "code": "OTSServerUnavailable"}]}
write | well   | short | rate        | {"rules": [{PUT, "calls_per_s": 3}]}
write | well   | all   | quota       | {"rules": [{PUT, "times": 3, "code": "OTSQuotaExhausted"}]}
write | fails  | all   | full        | {"rules": [{PUT, "code": "OTSQuotaExhausted", "message": "No more."}]}
write | well   | short | some-rows   | {"rules": [{PUT, "times": 2, "failed_rows": [0, 3, 7]}]}
write | well   | all   | first-rows  | {"rules": [{PUT, "times": 4, "failed_rows": 1}]}
write | fails  | short | bad-rows    | {"rules": [{PUT, "failed_rows": [1], "code": "OTSParameterInvalid"}]}
write | fails  | short | refused     | {"rules": [{PUT, "code": "OTSParameterInvalid"}]}
write | fails  | all   | forbidden   | {"rules": [{PUT, "code": "OTSNoPermissionAccess"}]}
write | fails  | short | away        | {"rules": [{PUT, "code": "OTSServerUnavailable"}]}
write | well   | all   | delay       | {"rules": [{PUT, "delay_ms": 300}]}
write | either | all   | slow        | {"rules": [{PUT, "times": 4, "delay_ms": 30000}]}
write | well   | short | cut-before  | {"rules": [{PUT, "nth": 1, "every": 3, "times": 2, "cut": "before"}]}
write | well   | short | cut-after   | {"rules": [{PUT, "nth": 1, "every": 3, "times": 2, "cut": "after"}]}
write | well   | all   | cut-inside  | {"rules": [{PUT, "nth": 1, "every": 3, "times": 2, "cut": 1}]}
write | fails  | all   | cut-always  | {"rules": [{PUT, "cut": "after"}]}
write | well   | short | signature   | {"rules": [{PUT, "times": 2, "wrong": "signature"}]}
write | well   | all   | body        | {"rules": [{PUT, "times": 2, "wrong": "body"}]}
write | fails  | all   | signatures  | {"rules": [{PUT, "wrong": "signature"}]}
write | fails  | all   | bodies      | {"rules": [{PUT, "wrong": "body"}]}
write | well   | short | not-ready   | {"table_not_ready_s": 1}
write | well   | all   | late-meta   | {"meta_visible_after_s": 5}
write | well   | all   | shuffle     | {"scan_shuffle": true}
write | well   | short | clock       | {"clock_offset_s": -600}
write | fails  | all   | clock-late  | {"clock_offset_s": -1000}
write | well   | all   | clock-ahead | {"clock_offset_s": 600}
read  | well   | short | busy        | {"rules": [{"every": 3, "code": "OTSServerBusy"}]}
read  | well   | all   | rate        | {"rules": [{"calls_per_s": 5}]}
read  | well   | all   | cut-inside  | {"rules": [{"every": 4, "cut": 100}]}
read  | well   | all   | cut-before  | {"rules": [{"every": 4, "cut": "before"}]}
read  | well   | all   | cut-after   | {"rules": [{"every": 4, "cut": "after"}]}
read  | well   | short | signature   | {"rules": [{"every": 5, "wrong": "signature"}]}
read  | well   | all   | body        | {"rules": [{"every": 5, "wrong": "body"}]}
read  | fails  | all   | signatures  | {"rules": [{GET, "wrong": "signature"}, {SCAN, "wrong": "signature"}]}
read  | fails  | short | bodies      | {"rules": [{GET, "wrong": "body"}, {SCAN, "wrong": "body"}]}
read  | fails  | all   | no-pages    | {"rules": [{GET, "code": "OTSInternalServerError"}]}
read  | fails  | all   | no-scan     | {"rules": [{SCAN, "code": "OTSInternalServerError"}]}
read  | fails  | all   | no-split    | {"rules": [{SPLIT, "code": "OTSServerUnavailable"}]}
read  | fails  | all   | forbidden   | {"rules": [{GET, "code": "OTSNoPermissionAccess"}]}
read  | well   | all   | delay       | {"rules": [{"every": 7, "delay_ms": 200}]}
read  | well   | all   | late-meta   | {"meta_visible_after_s": 3600}
read  | well   | short | shuffle     | {"scan_shuffle": true}
read  | well   | all   | clock       | {"clock_offset_s": -600}
read  | fails  | all   | clock-late  | {"clock_offset_s": -1000}
read  | well   | all   | clock-ahead | {"clock_offset_s": 600}
TABLE
    for code in OTSTimeout OTSInternalServerError OTSTableNotReady OTSRowOperationConflict \
        OTSNotEnoughCapacityUnit OTSRequestTimeout OTSStorageServerBusy OTSOperationThrottled; do
        echo "write | well | all | $code | {\"rules\": [{PUT, \"every\": 2, \"code\": \"$code\"}]}"
        echo "read | well | all | $code | {\"rules\": [{\"every\": 3, \"code\": \"$code\"}]}"
    done
}
actions='s/PUT/"action": "PutTimeseriesData"/g; s/GET/"action": "GetTimeseriesData"/g
    s/SCAN/"action": "ScanTimeseriesData"/g; s/SPLIT/"action": "SplitTimeseriesScanTask"/g'

copy_with() { # copy_with TOOL FROM TO
    case $1 in
    cp) cp -r "$2/." "$3" ;;
    rsync) rsync -a "$2/" "$3/" ;;
    esac
}

# Whether the faults that are set were played; those that are about all calls always are.
was_played() {
    admin_call faults | python3 -c 'import json, sys
rules = json.load(sys.stdin)["rules"]
sys.exit(bool(rules) and not any(rule["hits"] for rule in rules))'
}

# One cell's failure does not keep the others from being played.
failures=0
complain() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# ended WANTED STATUS CELL: the exit status is as wanted.
ended() {
    case $1$2 in
    well0 | fails[1-9]* | either*) ;;
    *) complain "$3: exit status $2, wanted: $1; $(head -n 3 "$work/said")" ;;
    esac
}

write_under() { # write_under WANTED NAME FAULTS TOOL
    local status=0 table=${2//-/_}_$4
    set_faults "$3"
    {
        mkdir "$work/mnt/$table" && copy_with "$4" "$work/plain" "$work/mnt/$table" &&
            sync "$work/mnt/$table"
    } >"$work/said" 2>&1 || status=$?
    was_played || complain "$table: the fault was not played"
    reset_faults
    ended "$1" "$status" "$table"
    [ "$status" != 0 ] || diff -r "$work/plain" "$work/mnt/$table" || complain "$table differs"
    tables+=("$table")
}

read_under() { # read_under WANTED NAME FAULTS TOOL
    local status=0 copy=$work/read_$2_$4
    # Nothing that is known from before helps.
    mount_otsfs "local:$work/data" "$work/fresh" -o timeout=2
    set_faults "$3"
    copy_with "$4" "$work/fresh/source" "$copy" >"$work/said" 2>&1 || status=$?
    was_played || complain "reading, $2, $4: the fault was not played"
    reset_faults
    ended "$1" "$status" "reading, $2, $4"
    [ "$status" != 0 ] || diff -r "$work/plain" "$copy" || complain "reading, $2, $4: the copy differs"
    rm -rf "$copy"
    unmount_otsfs "$work/fresh"
}

# With the faults gone and the journal replayed each row is in the table or told of.
account() {
    local table
    unmount_otsfs "$work/mnt"
    mount_otsfs "local:$work/data" "$work/mnt"
    for table in "${tables[@]}"; do
        # Without its table no row was handed over.
        [ -e "$work/mnt/$table" ] || continue
        sync "$work/mnt/$table" || complain "$table: sync of a new mount"
        {
            find "$work/mnt/$table" -name '*.lp' -exec cat {} +
            find "$work/mnt/.otsfs/rejected" -name "$table.lp" -exec sed '/^#/d' {} +
        } | sort -u >"$work/there"
        comm -23 "$work/plain.rows" "$work/there" >"$work/missing"
        [ ! -s "$work/missing" ] ||
            complain "$table: $(wc -l <"$work/missing") rows are nowhere: $(head -n 2 "$work/missing")"
    done
}

# An instance has room for 64 tables.
begin() {
    start_otslocal "$work/data" --admin
    mount_otsfs "local:$work/data" "$work/mnt" -o timeout=2
    tables=(source)
    cp -r "$work/plain" "$work/mnt/source" || fail 'cp without a fault'
    sync "$work/mnt/source" || fail 'sync without a fault'
}
end() {
    account
    unmount_otsfs "$work/mnt"
    stop "$otslocal_pid" || fail "otslocal ended with status $?"
    rm -rf "$work/data" "$work/states/mnt"
}

is_wanted() { # is_wanted KIND NAME
    case ${selected[*]} in
    '') [ "$1" = short ] ;;
    --all) ;;
    *) [[ " ${selected[*]} " = *" $2 "* ]] ;;
    esac
}

selected=("$@")
begin
while read -r phase _ wanted _ kind _ name _ faults; do
    is_wanted "$kind" "$name" || continue
    [ "${#tables[@]}" -lt 60 ] || { end && begin; }
    for tool in cp rsync; do
        began=$(date +%s%3N)
        "${phase}_under" "$wanted" "$name" "$(sed "$actions" <<<"$faults")" "$tool"
        echo "$phase $name $tool: $(($(date +%s%3N) - began)) ms"
    done
done < <(table)
end
[ "$failures" = 0 ] || fail "$failures failures"
