#!/bin/sh
# Runs attempts' commands, one at a time, and outlives the agent while one runs:
# supervise.sh <folder of attempts> [<entrance to a control group>...]
# Reads an attempt's id a line. Tells the agent, while it listens, who it is and when a command starts and has ended.
# What the files promise, and in which order they are written, is told in record.ts.

attempts=$1
shift

# What it starts is where it is.
for entrance; do
	echo 0 >"$entrance"
done
if [ $# -eq 0 ]; then
	# Counts all that this user runs: no measure of an attempt, only an end to what grows without one.
	most=$(ulimit -S -u || ulimit -S -p)
	[ "$most" = unlimited ] || [ "$most" -gt 16384 ] && { ulimit -S -u 16384 || ulimit -S -p 16384; }
fi
# No core dumps, unless a step asks for them.
ulimit -S -c 0

# A stop goes to the whole group, and so may what a step sends to its own: this waits for the command's own end. The
# command gets the default handling.
trap : HUP INT QUIT ALRM TERM PIPE USR1 USR2

self="- $$"
if [ -r /proc/sys/kernel/random/boot_id ]; then
	read -r boot </proc/sys/kernel/random/boot_id
	read -r stat <"/proc/$$/stat"
	self="$boot $stat"
fi

# No functions here: a step's command of that name would find them. What is noted is one write; a line is whole when
# it ends in a newline, and begins behind whatever a full disk left of another.

# Kept up to date by cd, for the command to see.
export PWD
echo "ready $self"

while read -r attempt; do
	folder=$attempts/$attempt
	# Whoever is not named leaves it: however often an attempt is launched, its command starts once.
	named=
	read -r mark named pid start <"$folder/launch.sh"
	if [ "$named $pid" = "$attempt $$" ] && echo "
started $attempt" >>"$folder/process"; then
		echo started
		# Programs may have been installed since the last command.
		hash -r
		# Goes to the command's folder and runs it, in its environment.
		{ . "$folder/launch.sh"; } </dev/null >>"$folder/stdout" 2>>"$folder/stderr"
		code=$?
		cd /
		{
			echo "
ended $attempt $code"
			times
		} >>"$folder/process"
		echo "ended $code"
	else
		echo taken
	fi
done
