#!/usr/bin/env bash
# The memory of otsfs while 2 GB of text pass through in each direction.
exec "$(dirname "$0")/../mount/memory.sh" 2048
