#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Profiles on the command line: the source of addresses is what binutils say, merging adds up, the report does too.
set -u
build=$(pwd)
guest=$build/sample-guest/sample
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
status=0

# ok NAME: the command before it succeeded.
ok() {
	if [ $? -eq 0 ]; then echo "PASS: $1"; else echo "FAIL: $1"; status=1; fi
}

# Each 23rd instruction; but what aligns the next function belongs to none.
objdump -d --no-show-raw-insn "$guest" | grep -E '^ *[0-9a-f]+:	' | grep -vE '	(nop|lea +0x0|xchg +%ax,%ax|data16|cs nop)' |
	awk 'n++ % 23 == 0 { sub(":.*", ""); sub("^ *", ""); print }' >all
while read -r a; do
	addr2line -if -e "$guest" "0x$a" | sed 's/ (discriminator [0-9]*)//' | paste -d' ' - - | tr '\n' '\t' | sed 's/\t$//'
	echo
done <all | sed -E ':a; s,/(\./|/)|/[^/.][^/]*/\.\./,/,; ta' >theirs
{
	echo "afterburner-profile 1"
	n=$(wc -l <all)
	while read -r a; do
		printf '%d\ttable:1\tload\t4\t0x%s\n' "$n" "$a"
		n=$((n - 1))
	done <all
} >raw
"$build/afterburn" profile --symbols "$guest" raw -o symbols 2>err && [ "$(grep -c '^[0-9]' symbols)" -gt 300 ]
ok "symbols of $(wc -l <all) addresses"
grep '^[0-9]' symbols | cut -f 6- | sed -E 's/:([0-9]+):[0-9]+(	|$)/:\1\2/g' >ours
# Where no line is known both say so in their own way.
paste -d'\n' theirs ours | awk 'NR % 2 { theirs = $0; next }
	theirs ~ /:[?0]/ { unknown++; next }
	theirs != $0 { print "binutils: " theirs; print "ours:     " $0; bad++ }
	END { print NR / 2 - unknown, "compared"; exit bad || NR / 2 - unknown < 300 }' >out || { tail -n 20 out; false; }
ok "functions, files, lines and inlined calls are those of binutils"
"$build/afterburn" profile --symbols "$guest" symbols | cmp - symbols
ok "symbols are added once"
"$build/afterburn" profile --merge symbols symbols -o twice && awk -F '\t' '/^[0-9]/ { n += $1 } END { print n }' symbols twice >sums &&
	[ "$(cat sums)" = "$(awk -F '\t' '/^[0-9]/ { n += $1 } END { print n * 3 }' symbols)" ] &&
	[ "$(wc -l <twice)" = "$(wc -l <symbols)" ]
ok "a profile merged with itself has twice the counts"
"$build/afterburn" report --json twice | python3 -c 'import json, sys
r = json.load(sys.stdin)
s = r["statements"]
assert abs(sum(x["share"] for x in s) - 1) < 0.01 * len(s) and abs(s[-1]["sum"] - 1) < 1e-4
assert sum(x["count"] for x in s) == r["accesses"] == sum(y["count"] for x in s for y in x["sites"])
assert all(a["count"] >= b["count"] for a, b in zip(s, s[1:]))'
ok "the report adds up, hottest first"
"$build/afterburn" report --verbose twice >out && grep -q '^ *in ' out && grep -q '| .*;$' out
ok "the report has source and inlined calls"
for bad in "profile raw" "profile --merge nowhere" "profile --symbols nowhere raw" "report nowhere" "report raw raw" "profile --merge $guest"; do
	# shellcheck disable=SC2086
	"$build/afterburn" $bad >out 2>&1
	[ $? -eq 2 ] && [ -s out ] || break
done
ok "what cannot be read is told"
exit $status
