#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the operations of a guest kernel cost, in cycles: the guest tests/guests/ops on the wedge, natively
# under QEMU's TCG, and on the wedge with every privileged site left to trap (--no-rewrite).
. "$(dirname "$0")/lib.sh"

runs=${RUNS:-3}
guest=tests/guests/ops.elf
make -s "$guest" >&2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# measure SYSTEM OPTION...: pinned to one CPU, a few runs, of which report takes the medians.
measure() {
	local system=$1 i status
	shift
	for ((i = 0; i < runs; i++)); do
		status=0
		timeout 120 taskset -c 0 "$AFTERBURN" run "$@" -m 64M -no-reboot "$guest" \
			</dev/null 2>"$out/err" | tr -d '\r' >"$out/out" || status=${PIPESTATUS[0]}
		if [ "$status" -ne 1 ] || ! grep -qx SUCCESS "$out/out"; then
			echo "guest-ops: $system failed ($status)" >&2
			cat "$out/out" "$out/err" >&2
			return 1
		fi
		sed -n 's/^BENCH //p' "$out/out" >>"$out/$system"
	done
}

# value SYSTEM NAME: the median of its runs.
value() {
	awk -v name="$2" '{ v = $NF; sub(/ [^ ]*$/, "") } $0 == name { print v }' "$out/$1" | median
}

report() {
	local system name
	sed 's/ [^ ]*$//' "$out/wedge" | awk '!seen[$0]++' | while read -r name; do
		for system in wedge native-qemu trap-and-emulate; do
			emit "$name" cycles lower "$system" "$(value "$system" "$name")"
		done
	done
}

measure wedge -on linux
measure native-qemu -on native
measure trap-and-emulate -on linux --no-rewrite
report

# The goal: cli and sti cost at most 10 cycles more than two stores.
if ! awk -v a="$(value wedge "two stores")" -v b="$(value wedge cli+sti)" 'BEGIN { exit b > a + 10 }'; then
	echo "guest-ops: cli+sti costs more than 10 cycles above two stores" >&2
	exit 1
fi
