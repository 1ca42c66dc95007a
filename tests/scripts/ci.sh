#!/usr/bin/env bash
# .ci/run calls the make targets, ends at the first that fails and closes with the sum of counts.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree/.ci" "$work/bin"
cp "$top/.ci/run" "$work/tree/.ci/run"
cat >"$work/bin/make" <<MAKE
#!/bin/sh
shift
echo "\$*" >>$work/targets
[ -z "\$(cat)" ] || exit 9
echo "1 passed, 9 failed, 9 skipped"
echo "10 passed, 0 failed, 1 skipped"
[ "\$1" != "\$(cat $work/failing)" ] || { echo "5 passed, 2 failed, 0 skipped"; exit 2; }
MAKE
chmod +x "$work/bin/make"

# expect STATUS CLOSING-LINE TARGETS
expect() {
    local got=0
    : >"$work/targets"
    echo input | CI=true PATH="$work/bin:$PATH" bash "$work/tree/.ci/run" >"$work/out" 2>&1 || got=$?
    if [ "$got" != "$1" ] || [ "$(tail -n 1 "$work/out")" != "$2" ] ||
        [ "$(paste -sd , "$work/targets")" != "$3" ]; then
        echo "wanted status $1, \"$2\", $3; got $got, $(paste -sd , "$work/targets") and:"
        cat "$work/out"
        exit 1
    fi
}
: >"$work/failing"
expect 0 '30 passed, 0 failed, 3 skipped' test,lint,conformance
mkdir -p "$work/shared/data"
expect 0 '40 passed, 0 failed, 4 skipped' 'test,lint,conformance,realdata DATA=../shared/data'
echo lint >"$work/failing"
expect 2 '15 passed, 2 failed, 1 skipped' test,lint
