#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Run test guests natively under QEMU and as Linux processes, and compare their outputs line by line.
#
#   guests.sh [--platform native|linux|all] [--guests DIR] [--append STRING] GUEST...
#
# A guest is DIR/GUEST.elf. Lines that begin with # are for people and are not compared. Prints one line
# a guest; exit 0 if all succeeded and agreed, 1 if not.
set -u

platform=all
guests=tests/guests
append=
AFTERBURN=${AFTERBURN:-./afterburn}
QEMU=${QEMU:-qemu-system-i386}
TIMEOUT=${TIMEOUT:-120}

while [ $# -gt 0 ]; do
	case $1 in
	--platform) platform=$2; shift 2 ;;
	--guests) guests=$2; shift 2 ;;
	--append) append=$2; shift 2 ;;
	--help) sed -n '3,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) echo "guests.sh: unknown option $1" >&2; exit 2 ;;
	*) break ;;
	esac
done

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# The machine of all native runs; the features the wedge hides from CPUID are off here too.
run_native() {
	timeout "$TIMEOUT" "$QEMU" -accel tcg -M microvm,pit=on,pic=on,rtc=on,isa-serial=on \
		-cpu max,-apic -m 64M -display none -monitor none -serial stdio -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$1" -append "$append" \
		</dev/null
}

run_linux() {
	timeout "$TIMEOUT" "$AFTERBURN" run -on linux -m 64M -no-reboot -append "$append" "$1" \
		</dev/null
}

# run PLATFORM GUEST: output in $out/GUEST.PLATFORM; fails unless the guest left by debug-exit with 0.
run() {
	local file=$out/$2.$1
	"run_$1" "$guests/$2.elf" >"$file" 2>"$file.err"
	local status=$?
	tr -d '\r' <"$file" | grep -v '^#' >"$file.lines"
	[ $status -eq 1 ] && grep -qx SUCCESS "$file.lines" && return 0
	echo "FAILURE $2 on $1 (exit $status)"
	tail -20 "$file"
	head -20 "$file.err"
	return 1
}

failed=0
for guest; do
	good=1
	case $platform in
	all)
		run native "$guest" || good=0
		run linux "$guest" || good=0
		if [ $good = 1 ] && ! diff -u "$out/$guest.native.lines" "$out/$guest.linux.lines"; then
			echo "FAILURE $guest: native and linux differ"
			good=0
		fi ;;
	*) run "$platform" "$guest" || good=0 ;;
	esac
	[ $good = 1 ] && echo "SUCCESS $guest ($platform)" || failed=1
done
exit $failed
