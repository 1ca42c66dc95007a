#!/usr/bin/env bash
# What a mount prints, given to other readers of line protocol as Debian ships them: InfluxDB 1.6.7
# takes all of it and answers with the same values, VictoriaMetrics takes all of it.
#   tests/conformance/peers.sh BUILD_DIR
# The servers run on loopback in a scratch folder. Unless they are installed their packages are
# unpacked into build/peers, so that no service is started.
set -euo pipefail
OTS_BUILD=$(cd "${1:?usage: peers.sh BUILD_DIR}" && pwd)
export OTS_BUILD PYTHONDONTWRITEBYTECODE=1
# shellcheck source=tests/conformance/lib.sh
. "$(dirname "$0")/lib.sh"

# peer PROGRAM PACKAGE: where the program is.
peer() {
    command -v "$1" && return
    local unpacked=$top/build/peers
    (
        flock 9
        [ -x "$unpacked/usr/bin/$1" ] || "$top/scripts/deps" --unpack "$unpacked" "$2"
    ) 9>"$top/build/peers.lock"
    echo "$unpacked/usr/bin/$1"
}

free_port() {
    python3 -c 'import socket
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    print(one.getsockname()[1])'
}

# run_peer NAME COMMAND...: start it; it ends with the test.
run_peer() {
    "${@:2}" </dev/null >"$work/$1.log" 2>&1 &
    lib_pids+=("$!")
}
# shellcheck disable=SC2317 # wait_until calls it
answers() {
    kill -0 "$1" 2>/dev/null || fail "a server ended: $(tail -n 5 "$work"/*.log)"
    curl -sf -o "$work/answer" "$2"
}

mkdir -p "$top/build"
influxd=$(peer influxd influxdb)
victoria=$(peer victoria-metrics victoria-metrics)
conformance_python

influx_port=$(free_port) influx_rpc_port=$(free_port) victoria_port=$(free_port)
cat >"$work/influxdb.conf" <<CONFIG
reporting-disabled = true
bind-address = "127.0.0.1:$influx_rpc_port"
[meta]
  dir = "$work/influx/meta"
[data]
  dir = "$work/influx/data"
  wal-dir = "$work/influx/wal"
[http]
  bind-address = "127.0.0.1:$influx_port"
  log-enabled = false
[monitor]
  store-enabled = false
CONFIG
run_peer influx "$influxd" -config "$work/influxdb.conf"
influx_pid=$!
run_peer victoria "$victoria" -storageDataPath "$work/victoria" -retentionPeriod 100y \
    -httpListenAddr "127.0.0.1:$victoria_port"
victoria_pid=$!
wait_until answers "$influx_pid" "http://127.0.0.1:$influx_port/ping"
wait_until answers "$victoria_pid" "http://127.0.0.1:$victoria_port/health"

serve peers
mount_source peers "$work/mnt"
export OTS_CONFIG=$work/peers.json OTS_MOUNT=$work/mnt
export PEERS_INFLUX=http://127.0.0.1:$influx_port PEERS_VICTORIA=http://127.0.0.1:$victoria_port
status=0
"$python" "$top/tests/conformance/peers.py" || status=1
end_mount "$work/mnt"
stop "$otslocal_pid" || fail "otslocal ended with status $?"
stop "$influx_pid" || true
stop "$victoria_pid" || true
exit "$status"
