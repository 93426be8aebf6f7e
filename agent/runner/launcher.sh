#!/bin/sh
# Starts supervisors for the agent, each in a session of its own: launcher.sh <supervise.sh>
# Reads a line for each: the attempt's id and its folder. What supervisors say of themselves goes to standard output.

supervisor=$1

if setsid -f true 2>/dev/null; then
	detached() { setsid -f "$@"; }
elif command -v setsid >/dev/null; then
	detached() { setsid "$@" & }
else
	# Each job gets a process group of its own.
	set -m
	detached() { "$@" & }
fi

while read -r attempt folder; do
	RUNMESH_ATTEMPT=$attempt detached /bin/sh "$supervisor" "$attempt" "$folder" \
		3>&1 </dev/null >>"$folder/stdout" 2>>"$folder/stderr" || echo "failed $attempt"
done
