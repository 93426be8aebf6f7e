#!/bin/sh
# Runs one attempt's command and outlives the agent: supervise.sh <attempt> <its folder>
# Tells the agent on file descriptor 3, if it still listens, when the command starts and when it has ended.
# What the files promise, and in which order they are written, is told in record.ts.

attempt=$1
folder=$2

boot=-
claim=$$
if [ -r /proc/sys/kernel/random/boot_id ]; then
	read -r boot </proc/sys/kernel/random/boot_id
	read -r claim <"/proc/$$/stat"
fi

# The file is made or this ends: however often an attempt is launched, its command starts once.
set -C
{ echo "$boot $claim" >"$folder/process"; } 2>/dev/null || exit 0
set +C

# A stop goes to the whole group: this waits for the command's own end. The command gets the default handling.
trap : HUP INT QUIT TERM PIPE
{ echo "started $attempt $boot $claim" >&3; } 2>/dev/null

# The command's environment, folder and arguments.
. "$folder/launch.sh"
"$@" 3>&-
code=$?

# One write; a record is whole when it ends in a newline.
echo "$code" >"$folder/exit"
{ echo "ended $attempt $code" >&3; } 2>/dev/null
