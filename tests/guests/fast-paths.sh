#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The sites that have a fast path must take it: fast-paths.sh OPS.elf STORM.elf
#
# A fast path that is never armed gives right results, slowly. --stats counts how often a kind of site ran,
# and how often that took the monitor.
set -u

ops=${1:?fast-paths.sh: which guests?} storm=${2:?fast-paths.sh: which storm?}
: "${AFTERBURN:=./afterburn}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0

stats() {
	timeout 120 "$AFTERBURN" run -on linux -m 64M -no-reboot --stats -append "interrupts=1000" "$1" \
		</dev/null 2>&1 | tr -d '\r' >"$out/stats"
	grep -qx SUCCESS "$out/stats" && return
	cat "$out/stats"
	echo "FAILURE fast paths: $1 failed"
	exit 1
}

# seldom KIND RAN MONITOR: of many, few came to the monitor: less than a tenth. (Returns to ring 3 after a
# page fault do; on a busy host there are more of them among the others.)
seldom() {
	if [ "${2:-0}" -ge 4000 ] && [ $((${3:-0} * 10)) -le "$2" ]; then
		echo "ok fast path of $1: $3 of $2 came to the monitor"
	else
		echo "not ok fast path of $1: ${3:-?} of ${2:-?} came to the monitor"
		failed=1
	fi
}

# kind NAME: from the table.
kind() {
	local line
	line=$(sed -n "s/^afterburn: $1  *[0-9][0-9]*  *\([0-9]*\)  *\([0-9]*\)$/\1 \2/p" "$out/stats")
	# shellcheck disable=SC2086
	seldom "$1" $line
}

stats "$ops"
for name in cli sti pushf popf iret rdtsc "mov from segment" "mov to segment" "push segment" "mov from cr"; do
	kind "$name"
done
seldom "int 0x80 of ring 3" 31000 "$(sed -n 's/^afterburn: exits for system calls: //p' "$out/stats")"
stats "$storm"
for name in cli sti pushf popf iret "push segment" "pop segment"; do
	kind "$name"
done
calls=$(sed -n 's/^# \([0-9]*\) system calls.*/\1/p' "$out/stats")
seldom "int 0x80 under the storm" "$calls" "$(sed -n 's/^afterburn: exits for system calls: //p' "$out/stats")"
exit $failed
