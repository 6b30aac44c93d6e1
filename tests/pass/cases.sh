#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# cases/NAME.in.s through the pass must give the code that plain gas makes of cases/NAME.out.s: bytes,
# relocations and labels of every section; and check must find nothing wrong with it. The first line of
# a case holds options for the assembler. What NAME.out.s leaves as written, check must know as such: its
# last line says how many, `# left N`.
set -u
srcdir=${srcdir:-$(dirname "$0")/../..}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

dump() {
	objdump -drs -j .text -j .text.other -j .text.group -j .data -j .altinstr_replacement \
		"$1" 2>/dev/null | sed '/file format/d'
}

for in in "$srcdir"/tests/pass/cases/*.in.s; do
	name=$(basename "$in" .in.s)
	out=${in%.in.s}.out.s
	options=$(sed -n '1s/^# *//p' "$in")
	left=$(sed -n 's/^# left //p' "$out")
	# shellcheck disable=SC2086
	./afterburner/as $options "$in" -o "$dir/in.o" && as ${options%% *} "$out" -o "$dir/out.o" ||
		{ echo "FAIL: $name: does not assemble"; status=1; continue; }
	dump "$dir/in.o" >"$dir/in"
	dump "$dir/out.o" >"$dir/out"
	if ! diff -u "$dir/out" "$dir/in"; then
		echo "FAIL: $name: not the expected code"
		status=1
	elif ! ./afterburn check "$dir/in.o" >"$dir/check"; then
		cat "$dir/check"
		echo "FAIL: $name: check finds defects"
		status=1
	elif ! grep -q " ${left:-0} left as written" "$dir/check"; then
		cat "$dir/check"
		echo "FAIL: $name: ${left:-0} should be left as written"
		status=1
	else
		echo "PASS: $name"
	fi
done
exit $status
