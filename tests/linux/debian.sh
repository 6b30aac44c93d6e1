#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Debian i386 from a disk, the padded vmlinux as a Linux process, with either isolation: debian-smoke prints what it
# should, and leaves a sound file system.
#   debian.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
PATH=$PATH:/usr/sbin:/sbin
[ $# -eq 2 ] || { echo "usage: debian.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
afterburn=$1
guest=$2
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILURE debian: $*"
	exit 1
}

code=0
image=$("$here/../../linux-guest/make-debian" 2>"$tmp/made") || code=$?
[ $code -ne 77 ] || { echo "SKIP debian: $(tail -n 1 "$tmp/made")"; exit 0; }
[ $code -eq 0 ] || { cat "$tmp/made"; fail "no disk"; }
for isolation in segment process; do
	cp --sparse=always "$image" "$tmp/disk"
	debugfs -w "$tmp/disk" >"$tmp/debugfs" 2>&1 <<-END
		write $here/debian-smoke smoke
		set_inode_field smoke mode 0100755
	END
	debugfs -R "stat smoke" "$tmp/disk" 2>/dev/null | grep -q 'Mode: *0755' ||
		{ cat "$tmp/debugfs"; fail "cannot put the script on the disk"; }
	code=0
	timeout 600 "$afterburn" run -on linux -isolation $isolation -m 512M -no-reboot -drive "file=$tmp/disk,format=raw" \
		-append "console=ttyS0 quiet reboot=k root=/dev/vda rw run=/smoke" "$guest/padded/vmlinux" \
		</dev/null >"$tmp/raw" 2>"$tmp/errors" || code=$?
	tr -d '\r' <"$tmp/raw" >"$tmp/output"
	[ $code -eq 0 ] || { cat "$tmp/output" "$tmp/errors"; fail "-isolation $isolation: exit code $code"; }
	sed 1d "$here/debian.expected" | diff -u - "$tmp/output" || fail "-isolation $isolation: the output differs"
	e2fsck -fn "$tmp/disk" >"$tmp/fsck" 2>&1 || { cat "$tmp/fsck"; fail "the file system is damaged"; }
	echo "SUCCESS debian -isolation $isolation: $(grep -c '^==' "$tmp/output") steps"
done
