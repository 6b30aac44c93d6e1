#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every sensitive instruction of the padded vmlinux has its record, every record its instruction; so in
# the vDSO, which is an ELF image inside the kernel's data. The unpadded kernel does not pass.
#   records.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
[ $# -eq 2 ] || { echo "usage: records.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
afterburn=$1
guest=$2
vmlinux=$guest/padded/vmlinux
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	echo "FAILURE records: $*"
	exit 1
}

# The vDSO is the object raw_data; its place in the file follows from the segment that holds it.
extract_vdso() {
	local address offset vaddr size
	address=$((16#$(nm "$vmlinux" | awk '$3 == "raw_data" { print $1 }')))
	while read -r _ offset vaddr _ size _; do
		if ((address >= vaddr && address < vaddr + size)); then
			tail -c +$((offset + address - vaddr + 1)) "$vmlinux" | head -c 8192
			return
		fi
	done < <(readelf -lW "$vmlinux" | grep -w LOAD)
	fail "no segment holds the vDSO"
}

"$afterburn" check "$vmlinux" || fail "check finds defects"
(extract_vdso >"$tmp/vdso.so") 2>/dev/null # head closes the pipe early
"$afterburn" check "$tmp/vdso.so" || fail "check finds defects in the vDSO"
objdump -d "$tmp/vdso.so" | grep -q 'int *\$0x80' || fail "what was checked is not the vDSO"
if [ -e "$guest/unpadded/vmlinux" ] && "$afterburn" check "$guest/unpadded/vmlinux" >/dev/null 2>&1; then
	fail "check finds nothing missed in an unpadded kernel"
fi
echo "SUCCESS records"
