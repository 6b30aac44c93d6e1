#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What system calls, faults, processes and computing cost a Linux program (bench/linux-ops.c), and how long a kernel takes
# from its start to the first line of its first program: on the host; under the padded Linux as a process
# (wedge; wedge-process with -isolation process) and, the same file, under QEMU's TCG; and under what else runs
# Linux programs without hardware virtualization. Those have no i386: compare them with host-x86-64.
#   SYSTEMS   which of them (default: all that are installed); RUNS: how often (default: 3)
. "$(dirname "$0")/lib.sh"
# shellcheck source=systems.sh
. "$(dirname "$0")/systems.sh"

tmp=$SYSTEMS_TMP
make -s bench/linux-ops-i386 bench/linux-ops-x86-64 >&2
rate=$("$OPS-x86-64" -c)

# initramfs ARCH: with the program as its /init.
initramfs() {
	printf '%s\n' 'dir /dev 755 0 0' 'nod /dev/console 600 0 0 c 5 1' 'nod /dev/zero 666 0 0 c 1 5' \
		"file /init $OPS-$1 755 0 0" >"$tmp/list"
	"$LINUX_GUEST/padded/gen_init_cpio" -t 0 "$tmp/list" >"$tmp/$1.cpio"
}

run_system() {
	case $1 in
	host) stamped "$OPS-i386" -k "$rate" ;;
	wedge) boot_wedge "-- -k $rate -e reboot" -initrd "$tmp/i386.cpio" ;;
	wedge-process) boot_wedge "-- -k $rate -e reboot" -initrd "$tmp/i386.cpio" -isolation process ;;
	native-qemu) boot_native_qemu "-- -k $rate -e reboot" -initrd "$tmp/i386.cpio" ;;
	uml) boot_uml "-- -k $rate -e poweroff" initrd="$tmp/x86-64.cpio" ;;
	gvisor) run_gvisor "$OPS-x86-64" -k "$rate" ;;
	host-x86-64) stamped "$OPS-x86-64" -k "$rate" ;;
	esac
}

# measure SYSTEM: one run; its figures are added to those that report takes.
measure() {
	local log=$tmp/$1.log
	start "$1" "$log"
	if ! finish || ! clocks_agree "$1" "$log"; then
		failed_run "$1" "$log"
		return 1
	fi
	awk -F'\t' -v OFS='\t' '$2 == "op" { print $3, $4, "lower", $5 }
		$2 == "init" { printf "start to init\ts\tlower\t%.3f\n", $1 / 1e9 }' "$log" >>"$tmp/$1.ops"
}

initramfs i386
initramfs x86-64
systems=(host wedge wedge-process native-qemu)
absent=()
if installed uml linux.uml user-mode-linux; then systems+=(uml); else absent+=(uml); fi
if installed gvisor runsc runsc; then systems+=(gvisor); else absent+=(gvisor); fi
systems+=(host-x86-64)
[ -z "${SYSTEMS:-}" ] || read -ra systems <<<"$SYSTEMS"
failed=0
compare "${RUNS:-3}" "${systems[@]}" || failed=1
for system in "${absent[@]}"; do no_figures "$system"; done
exit $failed
