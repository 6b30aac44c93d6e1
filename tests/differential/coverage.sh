#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every kind of sites.def that i386 has must have a variant in the differential guest:
#
#   coverage.sh SITES.DEF OBJECT...
set -u

: "${AFTERBURN:=./afterburn}"
# hlt waits for an interrupt (the guest `shadow` does); TCG has neither rdpmc nor, on i386, rdpid.
exempt="hlt rdpmc rdpid"

sites=$1
shift
kinds=$(tr '\n' ' ' <"$sites" | grep -oE 'AB_SITE\([A-Z_0-9]+, "[^"]+", [0-9]+, [A-Z]+, [A-Z]+, (I386|BOTH)' |
	sed 's/^[^"]*"\([^"]*\)".*/\1/')
covered=$("$AFTERBURN" census "$@" | sed -n 's/^  \(.*[^ ]\)  *[0-9]* sites .*/\1/p')
[ -n "$kinds" ] && [ -n "$covered" ] || { echo "FAILURE coverage: nothing to compare"; exit 1; }

missing=$(comm -23 <(sort -u <<<"$kinds") <(sort -u <<<"$covered"$'\n'"${exempt// /$'\n'}"))
if [ -n "$missing" ]; then
	echo "FAILURE differential: no variant of ${missing//$'\n'/, }"
	exit 1
fi
echo "SUCCESS differential: variants of all $(wc -l <<<"$kinds") kinds but $exempt"
