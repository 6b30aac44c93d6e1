#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What one look at a device's register costs the sample guest, in cycles: where it traps, and in a second build with
# its profile, where it is a call.
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$AFTERBURN" profile -m 64M -no-reboot -o "$work/profile" sample-guest/sample </dev/null >"$work/log" 2>&1 || [ $? -eq 1 ]
make -s SAMPLE_OUT="$work/again" SAMPLE_PROFILE="$work/profile" "$work/again/sample" >>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

# measure GUEST RUN-OPTION...: the median of seven.
measure() {
	local guest=$1
	shift
	for _ in 1 2 3 4 5 6 7; do
		timeout 120 "$AFTERBURN" run "$@" -m 64M -no-reboot -append "tests=devices cost" "$guest" </dev/null 2>>"$work/log" |
			sed -n 's/^# a device register: \([0-9]*\) cycles.*/\1/p'
	done | median
}

emit "device register" cycles lower native-qemu "$(measure sample-guest/sample -on native)"
emit "device register" cycles lower wedge-trap "$(measure sample-guest/sample)"
emit "device register" cycles lower wedge "$(measure "$work/again/sample")"
