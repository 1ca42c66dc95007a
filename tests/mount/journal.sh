#!/usr/bin/env bash
# kill -9 of otsfs amid a copy: mounted again, no row of a file that was closed is missing. What was
# put by somebody else meanwhile stays. Of two closes of one row the second value stays.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
plain_table "$work/plain" 40 10

# copy_until_killed TO: copy file by file as cp -r does; the names of closed files go to the list.
copy_until_killed() {
    python3 - "$work/plain" "$1" "$work/closed" <<'SCRIPT'
import os, sys
source, target, closed = sys.argv[1:]
names = [os.path.relpath(os.path.join(folder, name), source)
         for folder, _, files in os.walk(source) for name in files]
with open(closed, "w") as done:
    for name in sorted(names):
        try:
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            with open(os.path.join(source, name), "rb") as file:
                rows = file.read()
            with open(os.path.join(target, name), "wb") as file:
                file.write(rows)
        except OSError:
            sys.exit(0)
        print(name, file=done, flush=True)
SCRIPT
}
has_closed() {
    [ "$(wc -l <"$work/closed")" -ge "$1" ]
}

# round TABLE CLOSED FAULTS: kill when so many files were closed.
round() {
    : >"$work/closed"
    mount_otsfs "local:$work/data" "$work/mnt"
    mkdir "$work/mnt/$1"
    set_faults "$3"
    copy_until_killed "$work/mnt/$1" &
    local copy=$! name
    wait_until has_closed "$2"
    kill_otsfs "$work/mnt"
    wait "$copy" || true
    reset_faults
    mount_otsfs "local:$work/data" "$work/mnt"
    sync "$work/mnt/$1" || fail "sync of $1"
    while read -r name; do
        cmp -s "$work/plain/$name" "$work/mnt/$1/$name" || fail "$1: rows of $name are missing"
    done <"$work/closed"
    unmount_otsfs "$work/mnt"
}
put='"action": "PutTimeseriesData"'
round t1 10 "{\"rules\": [{$put, \"delay_ms\": 300}]}"
round t2 37 "{\"rules\": [{$put, \"delay_ms\": 50}]}"
round t3 5 "{\"rules\": [{$put, \"code\": \"OTSServerBusy\"}]}"
round t4 60 '{"rules": []}'

# --- others put rows before they are put again ---------------------------------------------------

state=("$work"/states/mnt/local-*)
row='m,host=a v=%di 1000\nm,host=a v=%di 2000\n'
mount_otsfs "local:$work/data" "$work/mnt"
mkdir -p "$work/mnt/u/m"
set_faults "{\"rules\": [{$put, \"code\": \"OTSServerBusy\"}]}"
# shellcheck disable=SC2059
printf "$row" 1 1 >"$work/mnt/u/m/host=a.lp"
kill_otsfs "$work/mnt"
reset_faults
mount_otsfs "local:$work/data" "$work/other"
mkdir -p "$work/other/u/m"
sleep 0.2 # clocks may differ by less than that
printf 'm,host=a v=2i 2000\n' >"$work/other/u/m/host=a.lp"
sync "$work/other/u"
mount_otsfs "local:$work/data" "$work/mnt"
# shellcheck disable=SC2059
printf "$row" 1 2 >"$work/wanted"
expect_same "$work/mnt/u/m/host=a.lp" "$work/wanted"
grep -qx 'm,host=a v=1i 2000' "${state[0]}/rejected/u.lp" || fail 'not in rejected'
grep -q 'host=a.lp: .*superseded' "${state[0]}/errors" || fail 'not in errors'
expect_equal "$(jq .tables.u.rows.superseded "$work/mnt/.otsfs/status")" 1 'rows superseded'
expect_equal "$(stat -c %a "${state[0]}")" 700 'mode of the state directory'

# --- two closes of one row, the first put throttled and tried again -------------------------------

mkdir "$work/mnt/w" "$work/mnt/w/m"
set_faults "{\"rules\": [{$put, \"times\": 3, \"code\": \"OTSServerBusy\"}]}"
exec {first}>"$work/mnt/w/m/host=a.lp" {second}>"$work/mnt/w/m/host=a.lp"
printf 'm,host=a v=1i 1000\n' >&"$first"
exec {first}>&-
printf 'm,host=a v=2i 1000\n' >&"$second"
exec {second}>&-
sync "$work/mnt/w"
[ "$(hits 0)" -ge 1 ] || fail 'nothing was throttled'
printf 'm,host=a v=2i 1000\n' >"$work/wanted"
expect_same "$work/mnt/w/m/host=a.lp" "$work/wanted"

# --- what the daemon gives up at its end waits for the next mount ---------------------------------

unmount_otsfs "$work/mnt"
mount_otsfs "local:$work/data" "$work/mnt" -o timeout=1
mkdir "$work/mnt/x" "$work/mnt/x/m"
set_faults "{\"rules\": [{$put, \"code\": \"OTSServerBusy\"}]}"
printf 'm,host=a v=1i 1000\n' >"$work/mnt/x/m/host=a.lp"
kill -TERM "$(processes_of "$otsfs" "$work/mnt")"
wait_until no_process_of "$otsfs" "$work/mnt"
reset_faults
mount_otsfs "local:$work/data" "$work/mnt"
expect_equal "$(cat "$work/mnt/x/m/host=a.lp")" 'm,host=a v=1i 1000' 'what was given up'

# --- a second mount of the source with the same state directory -----------------------------------

mkdir "$work/again"
expect_failure "mounted at $work/mnt" "$otsfs" "local:$work/data" "$work/again" \
    -o "state_dir=$work/states/mnt"
is_mounted "$work/again" && fail 'it was mounted'
# While the first ends it is waited for.
fusermount3 -u "$work/mnt"
"$otsfs" "local:$work/data" "$work/again" -o "state_dir=$work/states/mnt" </dev/null \
    >"$work/again.log" 2>&1 || fail "$(cat "$work/again.log")"
lib_mounts+=("$work/again")
expect_same "$work/again/w/m/host=a.lp" "$work/wanted"
