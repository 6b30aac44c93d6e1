#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# doc/isolation.md lists the system calls that the sources allow, no more and no fewer, and names tests that
# there are.
set -u
: "${srcdir:=.}"
doc=$srcdir/doc/isolation.md
failed=0

# documented TITLE: the calls in the first column of the section's table.
documented() {
	awk -v title="### $1" 'index($0, "#") == 1 { inside = index($0, title) == 1 } inside && /^\| `/' "$doc" |
		cut -d '|' -f 2 | grep -o '`[a-z0-9_]*`' | tr -d '`' | sort -u
}

# same TITLE: standard input has the calls of the sources.
same() {
	if diff <(documented "$1") <(sort -u) >"$tmp"; then
		echo "ok $1: $(documented "$1" | wc -l) system calls"
		return
	fi
	echo "not ok $1: doc/isolation.md (<) and the source (>) differ"
	cat "$tmp"
	failed=1
}

# names PATTERN: what it finds on standard input, without the macro or prefix around it.
names() { grep -oE "$1" | sed -E 's/SCMP_SYS\(|SYS_|\)//g'; }

tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
relay='/allowed_relay\[\]/,/};/'
sed "${relay}d" "$srcdir/wedge/linux/sandbox.c" | names 'SCMP_SYS\([a-z0-9_]+\)' | same "The monitor"
sed -n "${relay}p" "$srcdir/wedge/linux/sandbox.c" | names 'SCMP_SYS\([a-z0-9_]+\)' | same "gdb's relay"
names 'SCMP_SYS\([a-z0-9_]+\)' <"$srcdir/wedge/linux/slirp.c" | same "libslirp's process"
grep -E 'begin\(&?p,' "$srcdir/wedge/linux/userprocess.c" | names 'SYS_[a-z0-9_]+' | same "User processes"
for file in $(grep -o '`tests/[^`]*`' "$doc" | tr -d '`' | sort -u); do
	[ -e "$srcdir/$file" ] && continue
	echo "not ok doc/isolation.md names $file"
	failed=1
done
exit $failed
