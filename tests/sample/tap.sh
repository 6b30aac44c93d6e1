#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The sample guest, the same file natively under QEMU and as a Linux process with either isolation: every
# self-test passes and the TAP is equal, line by line, with little memory and with much. As root, the
# Linux process is the user nobody's.
#
#   tap.sh [MEMORY...]	default: 16M 64M 1G
#
# Run in the build directory. AFTERBURN and SAMPLE name other files, TIMEOUT the seconds a run may take.
# Exit 77 (skipped) without QEMU.
set -u

: "${AFTERBURN:=./afterburn}" "${SAMPLE:=sample-guest/sample}" "${TIMEOUT:=120}"
[ $# -gt 0 ] || set -- 16M 64M 1G
command -v qemu-system-i386 >/dev/null || { echo "SKIP: no qemu-system-i386 (Debian: qemu-system-x86)"; exit 77; }

# A place that nobody can read, too: the build may be in a home directory.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cp "$AFTERBURN" "$SAMPLE" "$scratch" && chmod 755 "$scratch" || exit 1
as=()
[ "$(id -u)" -eq 0 ] && as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

# run PLATFORM MEMORY: its TAP goes to a file. The guest leaves through the debug-exit port with 0, which
# QEMU and we make exit status 1.
run() {
	local out=$scratch/$1.$2 status
	local who=() how=(-on "$1")
	[ "$1" = process ] && how=(-on linux -isolation process)
	[ "$1" = native ] || who=("${as[@]}")
	"${who[@]}" timeout "$TIMEOUT" "$scratch/afterburn" run "${how[@]}" -m "$2" -no-reboot "$scratch/sample" \
		</dev/null 2>"$out.err" | tr -d '\r' >"$out"
	status=${PIPESTATUS[0]}
	[ "$status" -eq 1 ] && complete "$out" && return
	echo "not ok sample guest on $1 with $2 (exit status $status)"
	grep -v '^ok' "$out"
	tail -n 1 "$out"
	head -n 40 "$out.err"
	return 1
}

# complete FILE: as many results as the plan says, in order, all good.
complete() {
	awk '/^1\.\./ { plan = substr($0, 4) + 0 }
	     /^(not )?ok / { n++; if ($1 != "ok" || $2 != n) bad = 1 }
	     END { exit !(plan > 0 && n == plan && !bad) }' "$1"
}

# same PLATFORM MEMORY: as native
same() {
	run "$1" "$2" && diff -u --label native --label "$1" "$scratch/native.$2" "$scratch/$1.$2"
}

failed=0
for memory; do
	if run native "$memory" && same linux "$memory" && same process "$memory"; then
		echo "ok sample guest with $memory, $(grep -c '^ok' "$scratch/linux.$memory") lines alike" \
			"(linux: as $("${as[@]}" id -un))"
	else
		failed=1
	fi
done
exit $failed
