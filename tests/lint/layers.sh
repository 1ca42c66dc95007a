#!/usr/bin/env bash
# scripts/check-layers accepts the tree and refuses every kind of include that breaks the layers.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# expect accepted|refused FILE INCLUDE-LINE
expect() {
    local wanted=$1 file=$2 line=$3 got=accepted
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$file")"
    printf '%s\n' '#include <stdio.h>' "$line" >"$work/tree/$file"
    "$top/scripts/check-layers" --root "$work/tree" >"$work/out" || got=refused
    if [ "$got" != "$wanted" ]; then
        echo "$file: $line: $got, but should be $wanted"
        cat "$work/out"
        failures=$((failures + 1))
    elif [ "$got" = refused ] && ! grep -q "^$file:2: " "$work/out"; then
        echo "$file: $line: refused without naming the place"
        failures=$((failures + 1))
    fi
}

expect accepted backend/wire/x.c '#include "backend/model/row.h"'
expect accepted backend/wire/x.c '#include "backend/wire/y.h"'
expect accepted backend/store.h '#include "backend/model/row.h"'
expect accepted fs/view/x.c '#include "backend/store.h"'
expect accepted fs/view/x.c '#include "fs/lp/parse.h"'
expect accepted fs/main.c '#include "backend/client/client.h"'
expect accepted fs/main.c '#include "fs/mount/mount.h"'
expect accepted fs/local.c '#include "fs/config.h"'

expect refused backend/base/x.c '#include "backend/model/row.h"'
expect refused backend/model/x.h '#include "backend/wire/crc.h"'
expect refused backend/wire/x.c '#include "backend/client/client.h"'
expect refused backend/client/x.c '#include "backend/server/service.h"'
expect refused backend/server/x.c '#include "backend/client/client.h"'
expect refused backend/server/x.c '#include "backend/store.h"'
expect refused fs/lp/x.c '#include "backend/wire/crc.h"'
expect refused fs/view/x.c '#include "backend/client/client.h"'
expect refused fs/mount/x.c '#include "fs/lp/parse.h"'
expect refused fs/main.c '#include "backend/wire/sign.h"'
expect refused fs/main.c '#include "backend/server/service.h"'
expect refused fs/config.c '#include "fs/view/view.h"'
expect refused fs/local.c '#include "fs/view/view.h"'
expect refused backend/model/x.c '  #  include "backend/base_of_something_else/x.h"'
expect refused backend/model/x.c '#include "row.h"'

expect accepted backend/base/digest.c '#include <openssl/evp.h>'
expect refused backend/wire/sign.c '#include <openssl/hmac.h>'
expect accepted backend/client/transport_curl.c '#include <curl/curl.h>'
expect refused backend/client/call.c '#include <curl/curl.h>'
expect accepted backend/server/listener.c '#include <microhttpd.h>'
expect refused backend/server/service.c '#include <microhttpd.h>'
expect accepted backend/server/engine_rocksdb.c '#include <rocksdb/c.h>'
expect refused backend/server/engine.c '#include <rocksdb/c.h>'
expect accepted fs/mount/x.c '#include <fuse_lowlevel.h>'
expect refused fs/view/x.c '#include <fuse_lowlevel.h>'
expect accepted backend/wire/x.c '#include "backend/wire/messages.pb-c.h"'
expect refused backend/client/x.c '#include "backend/wire/messages.pb-c.h"'
expect refused backend/wire/json.c '#include <cjson/cJSON.h>'
expect refused backend/wire/x.c '#include <isa-l/crc.h>'
expect refused fs/view/x.c '#include <sqlite3.h>'
expect refused backend/wire/plainbuf.c '#include <zlib.h>'
expect refused backend/base/x.c '#include <uv.h>'
expect refused backend/base/x.c '#include <charconv>'

mkdir -p "$work/tree/backend/stray"
rm -rf "$work/tree/backend/base"
echo >"$work/tree/backend/stray/x.c"
if "$top/scripts/check-layers" --root "$work/tree" >/dev/null; then
    echo "a folder without a layer was accepted"
    failures=$((failures + 1))
fi
exit "$((failures > 0))"
