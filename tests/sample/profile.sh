#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The sample guest, profiled and built again with its profile: what trapped before is a call now, the tests still
# say the same on every platform, and an access costs less.
#
#   profile.sh		in the build directory; AFTERBURN names another program
#
# Exit 77 (skipped) if the GCC plugin was not built.
set -u

srcdir=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
: "${AFTERBURN:=./afterburn}" "${TIMEOUT:=120}"
grep -q '^PLUGIN_FALSE = #' Makefile && { echo "SKIP: no GCC plugin, see configure"; exit 77; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

fail() {
	echo "not ok $1"
	shift
	[ $# -eq 0 ] || cat "$@"
	exit 1
}

# profile SAMPLE NAME: its profile; how many accesses trapped goes to the variables $tables and $devices.
profile() {
	timeout "$TIMEOUT" "$AFTERBURN" profile -m 64M -no-reboot -o "$scratch/$2" "$1" </dev/null \
		>"$scratch/$2.out" 2>"$scratch/$2.err"
	if [ $? -ne 1 ] || grep -q '^not ok' "$scratch/$2.out"; then
		fail "tests in profiling mode" "$scratch/$2".{out,err}
	fi
	read -r tables devices <<<"$(sed -n 's/.*traps: \([0-9]*\) for page tables, \([0-9]*\) for devices/\1 \2/p' "$scratch/$2.err")"
}

# An ordinary run: instructions that trapped to reach memory, and how often in all.
traps() {
	timeout "$TIMEOUT" "$AFTERBURN" run --stats -m 64M -no-reboot -append tests=devices "$1" </dev/null 2>&1 >/dev/null |
		awk '/trap at .*(virtio|vga)/ { n++; all += $6 } /memory site at/ { n++; all += $6 } END { print n + 0, all + 0 }'
}

# What a look at a device's register costs: the least of five.
cost() {
	for _ in 1 2 3 4 5; do
		timeout "$TIMEOUT" "$AFTERBURN" run -m 64M -no-reboot -append "tests=devices cost" "$1" </dev/null 2>/dev/null |
			sed -n 's/^# a device register: \([0-9]*\) cycles.*/\1/p'
	done | sort -n | head -n 1
}

profile sample-guest/sample first
for what in table:1 table:2 device:virtio-rng:0x50 device:virtio-rng:0x60 device:vga:0x0; do
	grep -q "	$what	" "$scratch/first" || fail "$what is in the profile" "$scratch/first"
done
grep -q 'vga_line' "$scratch/first" || fail "the profile names functions" "$scratch/first"
echo "ok 1 - profile: $tables stores to page tables and $devices accesses of devices trap"

make -s SAMPLE_OUT="$scratch/again" SAMPLE_PROFILE="$scratch/first" "$scratch/again/sample" >"$scratch/make.log" 2>&1 ||
	fail "build with the profile" "$scratch/make.log"
"$AFTERBURN" check --profile "$scratch/first" "$scratch/again/sample" >"$scratch/check" 2>&1 ||
	fail "check" "$scratch/check"
echo "ok 2 - second build: $(grep -m 1 'profile:' "$scratch/check")"

tables1=$tables devices1=$devices
profile "$scratch/again/sample" second
[ $((tables * 50)) -le "$tables1" ] || fail "stores to page tables trap: $tables1, now $tables" "$scratch/check"
[ $((devices * 50)) -le "$devices1" ] || fail "accesses of devices trap: $devices1, now $devices" "$scratch/check"
echo "ok 3 - second profile: $tables and $devices trap"

read -r places before <<<"$(traps sample-guest/sample)"
read -r places2 after <<<"$(traps "$scratch/again/sample")"
[ "$before" -gt 50 ] && [ "$after" -le 2 ] || fail "traps in an ordinary run: $before, now $after"
echo "ok 4 - an ordinary run: $before traps at $places instructions, now $after at $places2"

SAMPLE=$scratch/again/sample AFTERBURN=$AFTERBURN "$srcdir/tests/sample/tap.sh" 64M >"$scratch/tap" 2>&1
case $? in 0 | 77) ;; *) fail "the same tests on every platform" "$scratch/tap" ;; esac
echo "ok 5 - $(cat "$scratch/tap")"

first=$(cost sample-guest/sample)
second=$(cost "$scratch/again/sample")
[ -n "$first" ] && [ -n "$second" ] && [ $((second * 2)) -lt "$first" ] ||
	fail "a device register costs $first cycles, now $second"
echo "ok 6 - a device register: $first cycles, now $second"

# A profile is written however the guest ends.
timeout "$TIMEOUT" "$AFTERBURN" profile -m 64M -t 0.3 -o "$scratch/timed" sample-guest/sample </dev/null >"$scratch/out" 2>&1 ||
	fail "-t ends the guest" "$scratch/out"
head -n 1 "$scratch/timed" | grep -qx 'afterburner-profile 1' || fail "-t: a profile is there" "$scratch/out"
echo "ok 7 - -t ends the guest, and the profile is there"
"$AFTERBURN" profile -m 64M -o "$scratch/killed" -append "tests=devices,devices,processes" sample-guest/sample </dev/null \
	>"$scratch/out" 2>&1 &
sleep 0.5
kill -INT $!
wait $!
head -n 1 "$scratch/killed" | grep -qx 'afterburner-profile 1' || fail "SIGINT: a profile is there" "$scratch/out"
echo "ok 8 - after SIGINT, too"
echo 1..8
