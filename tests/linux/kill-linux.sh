#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The machine is killed while it writes, at a random moment, again and again on the same disk: the guest
# replays the journal at its next boot, the file system is sound each time, and whatever was flushed is there.
# Nothing of the machine stays behind.
#   [ROUNDS=8] kill-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=machine.sh
. "$here/machine.sh"
machine_begin kill-linux "$@"
: "${ROUNDS:=8}"
disk=$tmp/disk

# The processes of the machine: the first one, its children and theirs.
processes() {
	local children
	children=$(ps -o pid= --ppid "$machine" | tr '\n' ',')
	echo "$machine"
	ps -o pid= -p "${children%,}"
	ps -o pid= --ppid "${children%,}"
}

# gone PID...: they end soon.
gone() {
	for ((n = 0; n < 100; n++)); do
		ps -o pid= -p "$(echo "$@" | tr ' ' ,)" >/dev/null || return 0
		sleep 0.05
	done
	fail "processes are left behind: $(ps -o pid,stat,args -p "$(echo "$@" | tr ' ' ,)")"
}

# kill_it ROUND: from outside, any of its processes; the others end with it.
kill_it() {
	local all victim code=0
	mapfile -t all < <(processes)
	victim=$machine
	[ $(($1 % 4)) -ne 3 ] || victim=${all[1 + RANDOM % (${#all[@]} - 1)]}
	kill -9 "$victim"
	exec 3>&-
	wait "$machine" 2>/dev/null || code=$?
	if [ "$victim" = "$machine" ]; then
		[ $code -eq 137 ] || fail "exit code $code"
	elif [ $code -ne 127 ] || ! grep -q "processes was killed" "$tmp/errors"; then
		fail "a process was killed: exit code $code, no message"
	fi
	gone "${all[@]}"
	machine=
}

isolations=(segment process)
flushed=() # the number of the last file that was flushed, by round

# Twice the same, by the two ways that there are to ask for a flush.
write_files() {
	local file="/mnt/r$1f\$i" write
	write=(">$file && sync" "| dd of=$file conv=fsync 2>/dev/null")
	type_line 'mount -t ext4 /dev/vda /mnt'
	type_line '(while :; do dd if=/dev/urandom of=/mnt/noise bs=64k count=64; done) >/dev/null 2>&1 & true'
	echo "i=0; while :; do i=\$((i + 1)); echo round $1 content \$i ${write[$1 % 2]} && echo flushed \$i; done" >&3
	wait_for '^flushed 3'
	sleep 0.$((RANDOM % 10))$((RANDOM % 10))
}

# All files of all rounds, from a copy, so that the next guest finds the disk as it was left.
verify() {
	local r i wanted=$tmp/wanted have=$tmp/have
	cp --sparse=always "$disk" "$tmp/copy"
	sound "$tmp/copy"
	grep -q 'recovering journal' "$tmp/fsck" || fail "it was not killed while it wrote: $(cat "$tmp/fsck")"
	: >"$wanted"
	: >"$tmp/requests"
	for r in "${!flushed[@]}"; do
		for ((i = 1; i <= flushed[r]; i++)); do
			echo "round $r content $i" >>"$wanted"
			echo "cat /r${r}f$i" >>"$tmp/requests"
		done
	done
	debugfs -f "$tmp/requests" "$tmp/copy" 2>/dev/null | grep -v '^debugfs:' >"$have"
	diff "$wanted" "$have" >"$tmp/lost" || fail "what was flushed is lost: $(head "$tmp/lost")"
}

mke2fs -q -t ext4 "$disk" 32M >/dev/null 2>&1
for ((round = 0; round < ROUNDS; round++)); do
	start -isolation "${isolations[round / 2 % 2]}" -drive "file=$disk,format=raw"
	write_files $round
	kill_it $round
	flushed[round]=$(sed -n 's/^flushed \([0-9]*\)\r*$/\1/p' "$tmp/output" | tail -n 1)
	verify
done
echo "SUCCESS kill-linux: killed $ROUNDS times, $(wc -l <"$tmp/wanted") flushed files, none lost"
