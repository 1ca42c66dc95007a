#!/usr/bin/env bash
# A stream that is half a minute behind.
OTS_LAG_S=30 exec "$(dirname "$0")/../mount/lag.sh"
