#!/usr/bin/env bash
# Every fault of otslocal, not only some of each kind, against cp -r and rsync -a.
exec "$(dirname "$0")/../mount/faults.sh" --all
