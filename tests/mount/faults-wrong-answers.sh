#!/usr/bin/env bash
# An answer whose signature or body is wrong is no answer: EIO, and the log says what is wrong.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_otslocal "$work/data" --admin
plain_table "$work/plain" 3 5
mount_otsfs "local:$work/data" "$work/mnt"
cp -r "$work/plain" "$work/mnt/t"
unmount_otsfs "$work/mnt"

mkdir -p "$work/one"
for wrong in signature body; do
    mkdir -p "$work/$wrong"
    lib_mounts+=("$work/$wrong")
    timeout 60 "$otsfs" "local:$work/data" "$work/$wrong" -f -o timeout=3 >"$work/$wrong.out" 2>&1 &
    lib_pids+=("$!")
    wait_until is_mounted "$work/$wrong"
    set_faults "{\"rules\": [{\"action\": \"GetTimeseriesData\", \"wrong\": \"$wrong\"},
        {\"action\": \"ScanTimeseriesData\", \"wrong\": \"$wrong\"}]}"
    expect_failure 'Input/output error' cat "$work/$wrong/t/cpu/_data_source=web-0,az=b.lp"
    reset_faults
    expect_same "$work/plain/mem/host=h1.lp" "$work/$wrong/t/mem/host=h1.lp"
    grep -qiE 'signature|MD5|digest' "$work/$wrong.out" || fail "$wrong: not said: $(cat "$work/$wrong.out")"
    unmount_otsfs "$work/$wrong"
done
