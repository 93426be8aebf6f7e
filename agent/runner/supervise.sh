#!/bin/sh
# Runs one attempt's command and outlives the agent: supervise.sh <attempt folder> <program> [argument...]
# What its files promise, and in which order they are written, is told in record.ts.

folder=$1
shift

# The claim. The file is made or this ends: however often an attempt is launched, its command starts once.
set -C
if [ -r "/proc/$$/stat" ]; then read -r claim <"/proc/$$/stat"; else claim=$$; fi
{ echo "$claim" >"$folder/process"; } 2>/dev/null || exit 111
set +C

# A stop goes to the whole group: this waits for the command's own end. The command gets the default handling.
trap : HUP INT QUIT TERM

"$@"
code=$?

# One write; a record is whole when it ends in a newline.
echo "$code" >"$folder/exit"
exit "$code"
