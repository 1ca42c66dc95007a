# What otsfs-increment and otsfs-follow share: windows of `.changes`, copied one after another, and
# the file that says what is finished. docs/SEMANTICS.md, section 10, is what they do.
#
# A window counts as finished when its rows are stored, and the state file is only then replaced by
# renaming a new one. So whatever ends a run, the next one copies the same window again.
# shellcheck shell=bash

program=${0##*/}
runs_max=1000      # lines of history that are kept
messages_max=20    # lines of cp's that are shown
rounds_max=5       # how often what changed while it was copied is copied again
merge_runs_s=3600  # windows of otsfs-follow that make one line of history
# shellcheck disable=SC2034 # of those that source this
catch_up_s=3600    # the longest window where nobody gave an interval

source='' target='' state=''
next='' newest=''  # where the next window begins; the end of the newest finished one
runs=()            # history: started mode from to rows milliseconds result
messages=''        # a file for what a command says
began_us='' run_mode='' run_from='' run_to='' # the run that is under way
rows=0 rows_total=0 windows_total=0
no_stream='its stream cannot be read, or its mount has stream=off'

say() {
    printf '%s: %s\n' "$program" "$*"
}
warn() {
    printf '%s: %s\n' "$program" "$*" >&2
}
# finish STATUS TEXT: the summary line. Of a failure it goes where cron looks for it.
finish() {
    if [ "$1" = 0 ]; then say "$2"; else warn "$2"; fi
    exit "$1"
}
usage_error() {
    warn "$1 (see $program --help)"
    exit 2
}

# --- times -----------------------------------------------------------------------------------------

# duration_of TEXT: seconds of 90, 90s, 10m, 1h or 1d.
duration_of() {
    [[ $1 =~ ^([0-9]{1,7})([smhd]?)$ ]] || return 1
    local unit=1
    case ${BASH_REMATCH[2]} in
    m) unit=60 ;;
    h) unit=3600 ;;
    d) unit=86400 ;;
    esac
    echo $((10#${BASH_REMATCH[1]} * unit))
}

# utc_name SECONDS: as windows are named.
utc_name() {
    TZ=UTC0 printf '%(%Y%m%d%H%M%SZ)T\n' "$1"
}
window_name() {
    echo "$(utc_name "$1")-$(utc_name "$2")"
}

# seconds_of TEXT: when yyyyMMddHHmmss is, in local time, or in UTC with a Z behind it. A local time
# that comes twice, because clocks were changed, is the earlier one, as in the names of windows.
seconds_of() {
    [[ $1 =~ ^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(Z?)$ ]] || return 1
    local part=("${BASH_REMATCH[@]}") text zone=() seconds back
    text="${part[1]}-${part[2]}-${part[3]} ${part[4]}:${part[5]}:${part[6]}"
    [ -z "${part[7]}" ] || zone=(-u)
    seconds=$(date "${zone[@]}" -d "$text" +%s 2>/dev/null) || return 1
    [ "$(date "${zone[@]}" -d "@$seconds" '+%F %T')" = "$text" ] || return 1
    for back in 1800 3600 7200; do
        [ "$(date "${zone[@]}" -d "@$((seconds - back))" '+%F %T')" != "$text" ] || {
            seconds=$((seconds - back))
            break
        }
    done
    [ "$seconds" -ge 0 ] && echo "$seconds"
}

# zone_offset SECONDS: what local time is ahead of UTC at that moment.
zone_offset() {
    local text seconds
    printf -v text '%(%z)T' "$1"
    seconds=$((10#${text:1:2} * 3600 + 10#${text:3:2} * 60))
    [ "${text:0:1}" = + ] || seconds=$((-seconds))
    echo "$seconds"
}

# scheduled_time NOW EVERY: when a run that is under way now was to start: the last multiple of the
# interval by the clock on the wall.
scheduled_time() {
    local offset wall begun other
    offset=$(zone_offset "$1")
    wall=$((($1 + offset) / $2 * $2))
    begun=$((wall - offset))
    # Clocks may have been changed since then.
    other=$((wall - $(zone_offset "$begun")))
    [ "$other" -gt "$1" ] || begun=$other
    echo "$begun"
}

now_us() {
    echo "${EPOCHREALTIME/[.,]/}"
}

# --- tables and what their mounts tell --------------------------------------------------------------

# table_path PATH: its real path, whether it is there or not.
table_path() {
    local path
    path=$(realpath -m -- "$1") || exit 1
    [[ $path != *$'\n'* ]] || usage_error 'a path has a line feed'
    printf '%s\n' "$path"
}

# mount_type PATH: of the mount that it is in.
mount_type() {
    findmnt -n -o FSTYPE -T "$1" 2>/dev/null | tail -n 1 || true
}

# check_instance PATH ARGUMENT: its directory is that of an instance in a mount.
check_instance() {
    local instance=${1%/*} type
    type=$(mount_type "${instance:-/}")
    # The root of a mount is in one, too.
    [ "$type" = fuse.otsfs ] || [ "$(mount_type "$1")" = fuse.otsfs ] ||
        finish 1 "$2 is not in a mount of otsfs; is it mounted?"
    case $type-${1##*/} in
    fuse.otsfs-[!.]*) [ ! -f "$instance/.otsfs/metrics" ] || return 0 ;;
    esac
    finish 1 "$2 is not the directory of a table (MOUNT/TABLE, or MOUNT/SOURCE/TABLE with several sources)"
}

# status_value INSTANCE NAME: the first member of that name in the status, as JSON spells it.
status_value() {
    sed -n "/^[[:space:]]*\"$2\":[[:space:]]*\([^{]*[^{,]\),\{0,1\}\$/{s//\1/p;q;}" "$1/.otsfs/status"
}

# service_now: the source's service's time, in seconds.
service_now() {
    local text
    text=$(status_value "${source%/*}" service_time)
    if [ -z "$text" ] || ! date -u -d "${text//\"/}" +%s 2>/dev/null; then
        warn "${source%/*}/.otsfs/status does not tell the service's time"
        return 1
    fi
}

# service_clock: the same, or what this machine has for it.
service_clock() {
    service_now 2>/dev/null || date +%s
}

# option_s NAME DEFAULT: of the source's mount, as settle=, in seconds, rounded up.
option_s() {
    local text
    text=$(status_value "${source%/*}" "$1") || true
    [[ $text =~ ^[0-9]{1,6}(\.[0-9]+)?$ ]] || text=$2
    case $text in
    *.*) echo $((10#${text%.*} + 1)) ;;
    *) echo "$text" ;;
    esac
}
settle_s() {
    option_s settle 300
}

# table_identity PATH: the same for a table in two mounts.
table_identity() {
    status_value "${1%/*}" endpoint && status_value "${1%/*}" instance && echo "${1##*/}"
}

# open_tables SOURCE TARGET: find both, and make the target if it is not there.
open_tables() {
    check_instance "$source" "$1"
    check_instance "$target" "$2"
    [ -d "$source" ] || finish 1 "$1: there is no such table"
    if [ "$(table_identity "$source")" = "$(table_identity "$target")" ]; then
        finish 1 "$1 and $2 are the same table"
    fi
    [ -d "$target" ] || mkdir -- "$target" || finish 1 "$2: the table could not be made"
}

# count_rows: what the target's mount has counted of the table until now; sets mounted, refused,
# rejected, stored. A refused row is a rejected line as well.
count_rows() {
    local line text table=",table=\"${target##*/}\"}"
    mounted='' refused=0 rejected=0 stored=0
    text=$(cat -- "${target%/*}/.otsfs/metrics") || return 1
    while IFS= read -r line; do
        case $line in
        otsfs_mount_time_seconds\{*) mounted=${line##* } ;;
        otsfs_rows_refused_total\{*"$table"*) refused=${line##* } ;;
        otsfs_lines_rejected_total\{*"$table"*) rejected=${line##* } ;;
        otsfs_rows_stored_total\{*"$table"*) stored=${line##* } ;;
        esac
    done <<<"$text"
    [ -n "$mounted" ]
}

# --- the state file --------------------------------------------------------------------------------

# default_state: a file for this pair of tables, where mounts keep their state too.
default_state() {
    local root hash from=${source##*/} to=${target##*/}
    if [[ ${XDG_STATE_HOME-} == /* ]]; then
        root=$XDG_STATE_HOME/otsfs
    elif [[ ${HOME-} == /* ]]; then
        root=$HOME/.local/state/otsfs
    else
        root=/var/lib/otsfs
    fi
    hash=$(printf '%s\n%s\n' "$source" "$target" | sha256sum)
    printf '%s\n' "$root/increments/${from:0:64}-${to:0:64}-${hash:0:16}"
}

# lock_state: one run at a time. cp has the lock too, so that nobody starts beside one whose run was
# killed.
lock_state() {
    local folder=${state%/*}
    [ -d "$folder" ] || (umask 077 && mkdir -p -- "$folder") || exit 1
    exec 9>>"$state.lock" || exit 1
    flock -n 9 || finish 3 "another run has $state.lock locked"
}

load_state() {
    local line is_ours='' from='' to=''
    [ -e "$state" ] || return 0
    while IFS= read -r line; do
        case $line in
        'otsfs-increment 1') is_ours=1 ;;
        'source '*) from=${line#* } ;;
        'destination '*) to=${line#* } ;;
        'next '*) next=$(seconds_of "${line#* }") || is_ours='' ;;
        'newest '*) newest=$(seconds_of "${line#* }") || is_ours='' ;;
        'run '*) runs+=("${line#* }") ;;
        esac
    done <"$state" || exit 1
    [ -n "$is_ours" ] || finish 1 "$state is not a state file of otsfs-increment"
    [ "$from//$to" = "$source//$target" ] || finish 1 "$state is that of $from and $to; use another --state"
}

save_state() {
    local lines=('otsfs-increment 1' "source $source" "destination $target")
    [ -z "$next" ] || lines+=("next $(utc_name "$next")")
    [ -z "$newest" ] || lines+=("newest $(utc_name "$newest")")
    lines+=("${runs[@]/#/run }")
    if ! { printf '%s\n' "${lines[@]}" >"$state.new" && sync -- "$state.new" && mv -fT -- "$state.new" "$state"; }; then
        finish 1 "what is finished could not be written to $state"
    fi
}

# begin_run MODE FROM TO; FROM may be `all`.
begin_run() {
    run_mode=$1 run_from=$2 run_to=$3 began_us=$(now_us)
}

# end_run RESULT: a line of history, in the state file when that is saved.
end_run() {
    local begun from=$run_from to took last=()
    begun=$((began_us / 1000000))
    took=$((($(now_us) - began_us) / 1000))
    [ "$from" = all ] || from=$(utc_name "$from")
    to=$(utc_name "$run_to")
    [ ${#runs[@]} = 0 ] || read -ra last <<<"${runs[-1]}"
    if [ "$run_mode" = follow ] && [ "${last[1]-} ${last[6]-}" = "follow $1" ] &&
        { [ "${last[3]}" = "$from" ] || [ "${last[2]}" = "$from" ]; } &&
        ((begun - $(seconds_of "${last[0]}") < merge_runs_s)); then
        runs[-1]="${last[*]:0:3} $to $((last[4] + rows)) $((last[5] + took)) $1"
    else
        runs+=("$(utc_name "$begun") $run_mode $from $to $rows $took $1")
    fi
    runs=("${runs[@]: -$((${#runs[@]} < runs_max ? ${#runs[@]} : runs_max))}")
    began_us=''
}

show_history() {
    local line run format='%-16s  %-9s  %-33s  %12s  %10s  %s\n'
    # shellcheck disable=SC2059 # the format is above
    printf "$format" STARTED MODE WINDOW ROWS SECONDS RESULT
    for line in "${runs[@]}"; do
        read -ra run <<<"$line"
        # shellcheck disable=SC2059
        printf "$format" "${run[0]}" "${run[1]}" "${run[2]}-${run[3]}" "${run[4]}" \
            "$((run[5] / 1000)).$(printf %03d $((run[5] % 1000)))" "${run[6]}"
    done
}

# --- copying ---------------------------------------------------------------------------------------

# run COMMAND...: where a signal ends it at once, for the shell does not wait for it in vain.
run() {
    local status=0
    "$@" &
    wait "$!" || status=$?
    return "$status"
}

# on_signal STATUS: end what is under way. Nothing is finished by it.
on_signal() {
    local pids
    trap '' INT TERM HUP
    # Not where the command that is under way writes.
    exec >&7 2>&8
    pids=$(jobs -p)
    # shellcheck disable=SC2086 # pids
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    wait
    if [ -n "$began_us" ]; then
        rows=0
        end_run interrupted
        save_state
    fi
    on_stop "$1"
}

prepare() {
    exec 7>&1 8>&2
    messages=$(mktemp) || exit 1
    trap 'rm -f -- "$messages"' EXIT
    trap 'on_signal 129' HUP
    trap 'on_signal 130' INT
    trap 'on_signal 143' TERM
}

show_messages() {
    local count
    count=$(wc -l <"$messages")
    head -n "$messages_max" -- "$messages" >&2
    [ "$count" -le "$messages_max" ] || warn "and $((count - messages_max)) more messages"
}

# look WINDOW: let the mount read it. 0, or 1 with a message, 4: not kept any more, 11: not complete.
look() {
    local text
    run env LC_ALL=C ls -UA -- "$source/.changes/$1" >/dev/null 2>"$messages" && return
    text=$(tail -n 1 "$messages")
    case $text in
    *': Resource temporarily unavailable') return 11 ;;
    *': No data available') return 4 ;;
    *': Permission denied') warn "$source/.changes/$1: $no_stream" ;;
    *) warn "${text#ls: }" ;;
    esac
    return 1
}

# can_follow: fails when the source has no windows at all. What else is wrong may pass.
can_follow() {
    local to
    to=$(($(service_clock) - $(settle_s)))
    look "$(window_name $((to - 1)) "$to")" 2>/dev/null || [[ $(tail -n 1 "$messages") != *': Permission denied' ]]
}

# await FROM TO: look, again and again until that window is complete. To whom gave the window it is
# told at once; one that the schedule gave is known to end soon.
await() {
    local pause=1 since=$SECONDS is_told='' status window text
    window=$(window_name "$1" "$2")
    while :; do
        status=0
        look "$window" || status=$?
        [ "$status" = 11 ] || return "$status"
        if [ -z "$is_told" ] && { [ "$run_mode" = window ] || ((SECONDS - since >= 60)); }; then
            text="waiting until $window is complete, about $(utc_name $(($2 + $(settle_s))))"
            if [ "$run_mode" = window ]; then warn "$text"; else say "$text"; fi
            is_told=1
        fi
        run sleep "$pause" 9>&-
        pause=$((pause < 5 ? pause * 2 : 10))
    done
}

# copy OPTIONS FROM TO: cp, with TO below the target. It works in there, so that nothing is written to a
# folder below the mount point when the mount goes.
copy() {
    run env -C "$target" LC_ALL=C cp "$1" -- "$2" "./$3"
}

# copy_tree FROM: cp, and again for files that somebody changed while they were read, or that are gone.
copy_tree() {
    local round lines line file status
    local is_stale="^cp: [a-z -]+ '([^'\\\$]+)'.*: (Stale file handle|No such file or directory)\$"
    copy -rT "$1" '' 2>"$messages" && return
    for ((round = 0; round < rounds_max; round++)); do
        mapfile -t lines <"$messages"
        [ ${#lines[@]} -gt 0 ] || return 1
        for line in "${lines[@]}"; do
            [[ $line =~ $is_stale ]] && [[ ${BASH_REMATCH[1]} == "$1"/* ]] || return 1
        done
        status=0
        : >"$messages"
        for line in "${lines[@]}"; do
            [[ $line =~ $is_stale ]]
            file=${BASH_REMATCH[1]}
            [ ! -e "$file" ] || copy -T "$file" "${file#"$1"/}" 2>>"$messages" || status=1
        done
        [ "$status" != 0 ] || return 0
    done
    return 1
}

# store FROM: copy a tree to the target and wait until its rows are stored. Sets rows.
# 0, or with messages 1: failed, 5: rows were refused.
store() {
    local status=0 before lost
    count_rows || return 1
    before=("$mounted" "$refused" "$rejected" "$stored")
    copy_tree "$1" || status=1
    show_messages
    # The first one fails also for what was refused before, and then only that once.
    run sync -- "$target" 2>"$messages" || run sync -- "$target" || status=1
    count_rows || return 1
    if [ "$mounted" != "${before[0]}" ]; then
        warn "${target%/*} was mounted anew meanwhile"
        return 1
    fi
    rows=$((stored - before[3]))
    lost=$((refused - before[1] > rejected - before[2] ? refused - before[1] : rejected - before[2]))
    if ((lost > 0)); then
        warn "$lost rows of $target were refused; see ${target%/*}/.otsfs/errors"
        return 5
    fi
    return "$status"
}

# result_name STATUS: for the history.
result_name() {
    case $1 in
    0) echo finished ;;
    4) echo not-kept ;;
    5) echo refused ;;
    *) echo failed ;;
    esac
}

# count_window STATUS: note the run and what it finished.
count_window() {
    end_run "$(result_name "$1")"
    if [ "$1" = 0 ]; then
        rows_total=$((rows_total + rows))
        windows_total=$((windows_total + 1))
        # What lies behind a gap is finished, but the windows before it are still to come.
        if [ -z "$next" ] || [ "$run_from" = all ] || ((run_from <= next)); then
            next=$((run_to > ${next:-0} ? run_to : next))
        fi
        ((run_to <= ${newest:-0})) || newest=$run_to
    fi
    save_state
}

# copy_window MODE FROM TO: 0, 1, 4 or 5 as the exit status says.
copy_window() {
    local status=0 window
    window=$(window_name "$2" "$3")
    rows=0
    begin_run "$@"
    await "$2" "$3" || status=$?
    if [ "$status" = 0 ]; then
        store "$source/.changes/$window" || status=$?
        # What was trimmed while it was read does not come back.
        [ "$status" != 1 ] || { look "$window" || [ $? != 4 ] || status=4; } 2>/dev/null
    fi
    if [ "$status" = 4 ]; then
        [ "$2" != "$next" ] || window="$window any more: only --full helps"
        warn "the stream of $source does not keep $window"
    fi
    count_window "$status"
    return "$status"
}

# copy_windows MODE FROM TO STEP: in windows of at most that length, the first of them the shorter one.
copy_windows() {
    local from=$2 to
    while ((from < $3)); do
        to=$(($3 - ($3 - from - 1) / $4 * $4))
        copy_window "$1" "$from" "$to" || return
        from=$to
    done
}

# copy_all: the whole table; windows go on from the time before which nothing can be missing in what
# was copied, because the mount had learned of it.
copy_all() {
    local status=0 now
    now=$(service_now) || return
    rows=0
    begin_run full all $((now - $(settle_s) - $(option_s poll 1)))
    store "$source" || status=$?
    count_window "$status"
    return "$status"
}
