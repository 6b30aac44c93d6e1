#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The cost of padding on bare metal: instructions of a Linux boot and a script, padded against unpadded,
# and the growth of .text. Fails above 0.2 % of instructions or 0.7 % of text.
#
#   PADDED        the kernel that is compared (default: padded; `profiled' has memory sites, too)
#   LINUX_GUEST   a folder with padded/vmlinux, unpadded/vmlinux, initramfs.cpio (default: ./linux-guest)
#
# QEMU counts: with -icount shift=3 the time-stamp counter is virtual time in nanoseconds, eight for each
# instruction, and with sleep=off a halted CPU's time passes at once. The guest does not sleep (it
# prints its idle time, which must be 0) and has no other source of chance (fixed seed, clock by virtual
# time, no rdrand, no entropy source, no address randomization), so each count must come out the same twice.
. "$(dirname "$0")/lib.sh"
: "${LINUX_GUEST:=linux-guest}" "${PADDED:=padded}"

die() { echo "padding: $*" >&2; exit 1; }

# count VARIANT: instructions at the script's start, after its processes and files, and at its end.
count() {
	local output
	output=$(timeout 300 "$AFTERBURN" run -on native -nodefaults -m 64M -initrd "$LINUX_GUEST/initramfs.cpio" \
		-append "console=ttyS0 quiet reboot=k run=bench norandmaps" -serial stdio -no-reboot \
		"$LINUX_GUEST/$1/vmlinux" -- -icount shift=3,sleep=off -seed 1 -rtc base=2026-01-01,clock=vm \
		-cpu max,-apic,-rdrand,-rdseed </dev/null | tr -d '\r') || die "the $1 kernel failed: $output"
	grep -qx 'idle: 0.00' <<<"$output" ||
		die "the $1 kernel was idle, instructions cannot be told from time: $output"
	awk '/^tsc: / { printf "%d ", $3 / 8 }' <<<"$output"
}

# counted VARIANT: the same, twice.
counted() {
	local first second
	[ -e "$LINUX_GUEST/$1/vmlinux" ] || die "$LINUX_GUEST/$1/vmlinux is missing: make linux-guest linux-guest-unpadded"
	first=$(count "$1")
	second=$(count "$1")
	[ "$first" = "$second" ] || die "$1: two runs differ: $first, then $second"
	echo "$first"
}

text_size() { size -A "$LINUX_GUEST/$1/vmlinux" | awk '$1 == ".text" { print $2 }'; }

failed=0
# compare NAME UNIT UNPADDED PADDED [GOAL, %]
compare() {
	local percent
	percent=$(awk -v a="$3" -v b="$4" 'BEGIN { printf "%.3f", (b - a) * 100 / a }')
	emit "$1" "$2" lower unpadded "$3"
	emit "$1" "$2" lower "$PADDED" "$4"
	emit "$1: growth" % lower "$PADDED" "$percent"
	if [ $# -eq 5 ] && awk -v p="$percent" -v g="$5" 'BEGIN { exit !(p > g) }'; then
		echo "padding: $1 grows by $percent %, the goal is at most $5 %" >&2
		failed=1
	fi
}

unpadded=$(counted unpadded)
padded=$(counted "$PADDED")
read -r boot0 kernel0 whole0 <<<"$unpadded"
read -r boot1 kernel1 whole1 <<<"$padded"
compare "Linux boot and script" instructions "$whole0" "$whole1" 0.2
compare "Linux boot alone" instructions "$boot0" "$boot1"
compare "Linux processes and files" instructions $((kernel0 - boot0)) $((kernel1 - boot1))
compare "Linux .text" bytes "$(text_size unpadded)" "$(text_size "$PADDED")" 0.7
exit $failed
