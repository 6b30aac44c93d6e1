#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Run test guests natively under QEMU, as Linux processes (ring 3 within, or in processes of its own), and
# as Linux processes with every privileged site left to trap, and compare their outputs line by line.
#
#   guests.sh [--platform native|linux|process|trap|all] [--guests DIR] [--append STRING] GUEST...
#
# A guest is DIR/GUEST.elf. Lines that begin with # are for people and are not compared. Prints one line
# a guest; exit 0 if all succeeded and agreed, 1 if not. AFTERBURN names the command, TIMEOUT the seconds
# a guest may take.
set -u

platform=all
guests=tests/guests
append=
: "${AFTERBURN:=./afterburn}" "${TIMEOUT:=120}"

while [ $# -gt 0 ]; do
	case $1 in
	--platform) platform=$2; shift 2 ;;
	--guests) guests=$2; shift 2 ;;
	--append) append=$2; shift 2 ;;
	--help) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
	-*) echo "guests.sh: unknown option $1" >&2; exit 2 ;;
	*) break ;;
	esac
done
[ "$platform" = all ] && platforms="native linux process trap" || platforms=$platform

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

declare -A options=([native]="-on native" [linux]="-on linux" [process]="-on linux -isolation process"
	[trap]="-on linux --no-rewrite")

# run PLATFORM GUEST: what it printed goes to $out/GUEST.PLATFORM. Fails unless the guest said SUCCESS
# and left through the debug-exit port with 0, which QEMU and we make exit status 1.
run() {
	local file=$out/$2.$1 status
	# shellcheck disable=SC2086
	timeout "$TIMEOUT" "$AFTERBURN" run ${options[$1]} -m 64M -no-reboot -append "$append" \
		"$guests/$2.elf" </dev/null 2>"$file.err" | tr -d '\r' >"$file"
	status=${PIPESTATUS[0]}
	[ "$status" -eq 1 ] && grep -qx SUCCESS "$file" && return
	echo "FAILURE $2 on $1 (exit status $status)"
	tail -n 20 "$file"
	head -n 40 "$file.err"
	return 1
}

# agree GUEST: all platforms printed the same.
agree() {
	local p
	for p in linux process trap; do
		diff -u --label native --label $p <(grep -v '^#' "$out/$1.native") \
			<(grep -v '^#' "$out/$1.$p") && continue
		echo "FAILURE $1: native and $p differ"
		return 1
	done
}

failed=0
for guest; do
	good=1
	for p in $platforms; do
		run "$p" "$guest" || good=0
	done
	[ $good = 1 ] && [ "$platform" = all ] && { agree "$guest" || good=0; }
	[ $good = 1 ] && echo "SUCCESS $guest (${platforms// /, })" || failed=1
done
exit $failed
