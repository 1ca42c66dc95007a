#!/usr/bin/env bash
# scripts/check-sizes refuses functions over 70 lines and files over 600, and nothing shorter.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/scripts"
cp "$top/scripts/check-sizes" "$work/scripts"
git -C "$work" init -q

# tree FUNCTION-LINES FILE-LINES: a file of C that is that long, with a function that is that long
tree() {
    {
        printf 'static int f(void)\n{\n'
        for _ in $(seq $(($1 - 4))); do echo '    ;'; done
        printf '    return 0;\n}\n'
        for _ in $(seq $(($2 - $1))); do echo; done
    } >"$work/x.c"
    git -C "$work" add .
}
refused() {
    ! "$work/scripts/check-sizes" >"$work/out" && grep -q "$1" "$work/out"
}
tree 70 600
"$work/scripts/check-sizes"
tree 71 600
refused '^x.c:1: f has 71 lines' || { echo 'a function of 71 lines is accepted' && exit 1; }
tree 70 601
refused '^x.c: 601 lines' || { echo 'a file of 601 lines is accepted' && exit 1; }
