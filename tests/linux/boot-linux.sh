#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The padded vmlinux as a Linux process: the exercise prints, line by line, what it prints natively.
# Platform linux has no disk: both run without.
#   boot-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
[ $# -eq 2 ] || { echo "usage: boot-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
afterburn=$1
guest=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILURE boot-linux: $*"
	exit 1
}

for platform in native linux; do
	code=0
	timeout 180 "$afterburn" run -on $platform -m 64M -initrd "$guest/initramfs.cpio" \
		-append "console=ttyS0 quiet reboot=k run=exercise" -serial stdio -no-reboot \
		"$guest/padded/vmlinux" </dev/null >"$tmp/raw" 2>"$tmp/errors" || code=$?
	tr -d '\r' <"$tmp/raw" >"$tmp/$platform"
	[ $code -eq 0 ] || { cat "$tmp/$platform" "$tmp/errors"; fail "$platform: exit code $code"; }
done
diff -u "$tmp/native" "$tmp/linux" || fail "the outputs differ"
grep -q '^# all passed' "$tmp/linux" || { cat "$tmp/linux"; fail "not all passed"; }
echo "SUCCESS boot-linux: $(grep -c '^ok' "$tmp/linux") lines agree"
