#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The padded vmlinux as a Linux process, with either isolation: the exercise prints, line by line, what it
# prints natively. Each writes to a disk of its own, which is looked at afterwards.
#   boot-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR [VARIANT MEMORY [WORDS]]
set -eu
[ $# -ge 2 ] || { echo "usage: boot-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR [VARIANT MEMORY [WORDS]]" >&2; exit 2; }
afterburn=$1
guest=$2
variant=${3:-padded}
memory=${4:-64M}
words=${5:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILURE boot-linux: $*"
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
make_disk=$here/../../linux-guest/make-disk
for platform in native linux process; do
	code=0
	how="-on $platform"
	[ $platform = process ] && how="-on linux -isolation process"
	"$make_disk" create "$tmp/disk.$platform" 2>/dev/null >&2 || fail "cannot make the disk"
	# shellcheck disable=SC2086
	timeout 400 "$afterburn" run $how -m "$memory" -initrd "$guest/initramfs.cpio" \
		-append "console=ttyS0 quiet reboot=k run=exercise $words" -serial stdio -no-reboot \
		-drive "file=$tmp/disk.$platform,format=raw" \
		"$guest/$variant/vmlinux" </dev/null >"$tmp/raw" 2>"$tmp/errors" || code=$?
	tr -d '\r' <"$tmp/raw" >"$tmp/$platform"
	[ $code -eq 0 ] || { cat "$tmp/$platform" "$tmp/errors"; fail "$platform: exit code $code"; }
	"$make_disk" verify "$tmp/disk.$platform" || fail "$platform: the disk is not what the guest left"
done
for platform in linux process; do
	diff -u "$tmp/native" "$tmp/$platform" || fail "the outputs of native and $platform differ"
done
grep -q '^# all passed' "$tmp/linux" || { cat "$tmp/linux"; fail "not all passed"; }
echo "SUCCESS boot-linux: $variant, $memory${words:+, $words}: $(grep -c '^ok' "$tmp/linux") lines agree"
