#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every row of sites.def in every operand form: the record, the slot, its bytes and their disassembly must be
# those of golden-32.txt and golden-64.txt. `golden.sh --accept` writes the files anew: read the difference.
set -u
srcdir=${srcdir:-$(dirname "$0")/../..}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
status=0

for isa in 32 64; do
	golden=$srcdir/tests/pass/golden-$isa.txt
	./tests/pass/forms $isa >"$dir/forms.s" || exit 99
	./afterburner/as --$isa "$dir/forms.s" -o "$dir/forms.o" || { echo "FAIL: $isa: assembling"; exit 1; }
	./tests/pass/slots "$dir/forms.o" >"$dir/slots" || { echo "FAIL: $isa: reading records"; exit 1; }
	grep -v '^	nop$' "$dir/forms.s" | sed 's/^	//' >"$dir/list"
	if [ "$(wc -l <"$dir/list")" -ne "$(wc -l <"$dir/slots")" ]; then
		echo "FAIL: $isa: $(wc -l <"$dir/list") instructions, $(wc -l <"$dir/slots") records"
		status=1
	fi
	{
		echo "# SPDX-License-Identifier: GPL-3.0-or-later"
		echo "# form | kind, offset + length of the instruction / length of the slot, flags | slot | disassembly"
		paste -d'|' "$dir/list" "$dir/slots" | sed 's/|/ | /'
	} >"$dir/golden"
	[ "${1-}" = --accept ] && cp "$dir/golden" "$golden"
	if diff -u "$golden" "$dir/golden"; then
		echo "PASS: $isa: $(wc -l <"$dir/list") forms"
	else
		echo "FAIL: $isa: not as in $golden"
		status=1
	fi
done

./tests/pass/forms table >"$dir/table" || exit 99
if sed -n '/^| kind | |/,$p' "$srcdir/doc/format.md" | diff -u - "$dir/table"; then
	echo "PASS: doc/format.md has the table of kinds"
else
	echo "FAIL: the table of kinds in doc/format.md is not that of sites.def"
	status=1
fi
exit $status
