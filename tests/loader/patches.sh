#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every i386 row of sites.def in every operand form, and memory operations (memory-forms.s), rewritten by the loader: the bytes over the slot, their
# disassembly, the trampoline behind them and every template in one must be those of patches.txt.
# With ACCEPT=1 in the environment it writes the file anew: read the difference.
# (tests/pass/golden.sh holds records, slots and padding, as they are before.)
set -u
srcdir=${srcdir:-$(dirname "$0")/../..}
golden=$srcdir/tests/loader/patches.txt
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

./tests/pass/forms 32 >"$dir/forms.s" || exit 99
# Each apart from the next, as the forms are.
sed 's/^\t[a-z].*/&\n\tnop/' "$srcdir/tests/loader/memory-forms.s" >>"$dir/forms.s"
./afterburner/as --32 "$dir/forms.s" -o "$dir/forms.o" || { echo "FAIL: assembling"; exit 1; }
ld -m elf_i386 -N --no-warn-rwx-segments -Ttext=0x100000 --defsym=x=0x200000 -e 0x100000 \
	-o "$dir/forms" "$dir/forms.o" || { echo "FAIL: linking"; exit 1; }
grep '^	[a-z]' "$dir/forms.s" | grep -v '^	nop$' | sed 's/^	//' >"$dir/list"
./tests/loader/patches "$dir/forms" "$dir/list" >"$dir/patches.txt" || { echo "FAIL: rewriting"; exit 1; }
[ -n "${ACCEPT-}" ] && cp "$dir/patches.txt" "$golden"
if diff -u "$golden" "$dir/patches.txt"; then
	echo "PASS: $(wc -l <"$dir/list") forms, $(grep -c ':$' "$golden") templates"
else
	echo "FAIL: not as in $golden"
	exit 1
fi
