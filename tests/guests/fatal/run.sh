#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How guests end other than by the debug-exit port, and what the report of it says: run.sh GUEST.elf
set -u

guest=${1:?run.sh: which guest?}
: "${AFTERBURN:=./afterburn}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0

# ends NAME PLATFORM END STATUS [OPTION...]: output and messages in $out/out, $out/err.
ends() {
	local name=$1 platform=$2 end=$3 want=$4 status
	shift 4
	timeout 20 "$AFTERBURN" run -on "$platform" -m 16M -no-reboot "$@" -append "end=$end" "$guest" \
		</dev/null >"$out/out" 2>"$out/err"
	status=$?
	if [ $status -eq "$want" ]; then
		echo "ok $name on $platform: exit status $status"
		return
	fi
	echo "not ok $name on $platform: exit status $status, not $want"
	cat "$out/out" "$out/err"
	failed=1
}

# says PATTERN: the messages of the last run.
says() {
	if grep -qE "$1" "$out/err"; then
		echo "ok   and says: $1"
	else
		echo "not ok   and does not say: $1"
		cat "$out/err"
		failed=1
	fi
}

ends "triple fault" linux 1 125
says 'triple fault'
says '\bcr3 [0-9a-f]{8}'
says 'vector 06 .*innermost'
says '\bmiddle\+'
says '\btest_main\+'
says '\bruntime_start\+'
ends "stack overflow" linux 5 125
says '\brecurse\+'
ends "halt with interrupts off" linux 2 126
ends "reset by port 0xcf9" linux 3 0
ends "reset by the keyboard controller" linux 4 0
ends "reset by the keyboard controller" native 4 0
ends "triple fault" native 1 0
ends "unpadded cli" native 6 1
ends "unpadded cli" linux 6 1 --stats
at=$(nm "$guest" | sed -n 's/^0*\([0-9a-f]*\) . unpadded_cli$/\1/p')
says "unpadded trap at 0*$at: 7 .*unpadded"
exit $failed
