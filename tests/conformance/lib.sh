# What the tests with the official SDKs share; sourced with
#     # shellcheck source=tests/conformance/lib.sh
#     . "$(dirname "$0")/../conformance/lib.sh"
# after OTS_BUILD was set. Includes tests/lib.sh.
# shellcheck shell=bash

# What somebody set with `go env -w`, a module proxy say; tests/lib.sh takes XDG_CONFIG_HOME away.
GOENV=${GOENV:-${XDG_CONFIG_HOME:-${HOME-}/.config}/go/env}
export GOENV
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# A Python that can make a virtual environment: a python3 without its venv packages, or one that
# somebody installed beside Debian's, may not.
conformance_base_python() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 8))' \
            >/dev/null 2>&1; then
            echo "$python"
            return
        fi
    done
    fail 'no python3 of version 3.8 or newer that has venv: make deps installs the one of Debian'
}

# conformance_python: make the virtual environment with the SDK unless it is there; sets `python`.
conformance_python() {
    local venv=$top/build/conformance-venv wanted=$top/tests/conformance/requirements.txt base
    python=$venv/bin/python
    mkdir -p "$top/build"
    # Two targets may come here at once; the lock goes with the subshell.
    (
        flock 9
        cmp -s "$wanted" "$venv/ready" && "$python" -c '' 2>/dev/null && exit
        base=$(conformance_base_python)
        echo "installing $(tr '\n' ' ' <"$wanted")into build/conformance-venv"
        rm -rf "$venv"
        "$base" -m venv "$venv"
        "$python" -m pip --quiet --disable-pip-version-check install --requirement "$wanted"
        cp "$wanted" "$venv/ready"
    ) 9>"$top/build/conformance-venv.lock" || fail 'the Python SDK could not be installed'
}

# The Go SDK's version is in tests/conformance/go/go.mod. 1.19 is the version of Debian 12.
conformance_go_is_new_enough() {
    local version
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return
    printf '%s\n' go1.19 "$version" | sort -CV
}

# conformance_go: build the Go tests. What Go keeps is in build/conformance-go. Sets `go_tests`, the
# program, `go_sdk` and `go_version`.
conformance_go() {
    local module=github.com/aliyun/aliyun-tablestore-go-sdk kept=$top/build/conformance-go
    conformance_go_is_new_enough || fail 'no Go of version 1.19 or newer: make deps installs the one of Debian'
    go_tests=$work/go-tests
    mkdir -p "$kept"
    [ -d "$kept/mod" ] || echo "installing $module into build/conformance-go"
    # -modcacherw: what is in build can be removed.
    go_kept() {
        (cd "$top/tests/conformance/go" && exec env GOTOOLCHAIN=local GOWORK=off \
            GOFLAGS='-modcacherw -mod=readonly' GOPATH="$kept" GOMODCACHE="$kept/mod" \
            GOCACHE="$kept/cache" go "$@")
    }
    go_kept test -c -o "$go_tests" . >"$work/go-build.log" 2>&1 ||
        fail 'the Go tests could not be built'
    # shellcheck disable=SC2034 # for who sources this
    go_sdk=$(go_kept list -m -f '{{.Path}} {{.Version}}' "$module") go_version=$(go_kept env GOVERSION)
}

# certificate: make one for 127.0.0.1 that signs itself, $work/certificate.pem, with its key in
# $work/key.pem.
certificate() {
    (umask 077 && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" \
        -out "$work/certificate.pem" 2>/dev/null) || fail 'openssl made no certificate'
}

# serve NAME [OPTION...]: start an instance in $work/NAME and write the data source NAME, for otsfs
# and for the tests alike, to $work/NAME.json.
serve() {
    local endpoint
    start_otslocal "$work/$1" --instance "$1" "${@:2}"
    endpoint=$(grep -oE 'https?://127\.0\.0\.1:[0-9]+' "$otslocal_log" | head -n 1)
    (
        umask 077
        "$python" - "$1" "$endpoint" "$work/$1" <<'SCRIPT'
import json, sys
name, endpoint, folder = sys.argv[1:]
with open(folder + "/credentials.json", encoding="utf-8") as file:
    known = json.load(file)
source = {key: known[key] for key in ("instanceName", "accessId", "accessKey")}
source.update(name=name, endpoint=endpoint)
with open(folder + ".json", "w", encoding="utf-8") as file:
    json.dump({"datasources": [source]}, file)
SCRIPT
    )
}

# mount_source NAME MOUNTPOINT [OPTION...]: mount what `serve NAME` started, in the foreground, so
# that what otsfs says is in MOUNTPOINT.log.
mount_source() {
    local name=$1 mountpoint=$2
    shift 2
    mkdir -p "$mountpoint"
    lib_mounts+=("$mountpoint")
    "$otsfs" "$name" "$mountpoint" -f -o config="$work/$name.json" "$@" \
        </dev/null >"$mountpoint.log" 2>&1 &
    mount_pid=$!
    wait_until mount_is_ready "$mountpoint"
}
# end_mount MOUNTPOINT: unmount what mount_source mounted last; its daemon must end well.
end_mount() {
    unmount_otsfs "$1"
    wait "$mount_pid" || fail "otsfs $1 ended with status $?"
}
mount_is_ready() {
    kill -0 "$mount_pid" 2>/dev/null || fail "otsfs ended: $(cat "$1.log")"
    is_mounted "$1"
}
