#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The padded vmlinux boots natively, runs the exercise, prints what it should and powers off; what it
# wrote to its disk has arrived. Then the same file gives a shell, which runs what it is told.
#   boot-native.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
[ $# -eq 2 ] || { echo "usage: boot-native.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
afterburn=$1
guest=$2
here=$(cd "$(dirname "$0")" && pwd)
make_disk=$here/../../linux-guest/make-disk
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILURE boot-native: $*"
	exit 1
}

# boot OUTPUT RUN [OPTION...]: the exit code is the machine's. Carriage returns belong to the terminal.
boot() {
	output=$1
	run=$2
	shift 2
	code=0
	timeout 180 "$afterburn" run -on native -m 64M -initrd "$guest/initramfs.cpio" \
		-append "console=ttyS0 quiet reboot=k run=$run" -serial stdio -no-reboot "$@" \
		"$guest/padded/vmlinux" >"$tmp/raw" 2>"$tmp/errors" || code=$?
	tr -d '\r' <"$tmp/raw" >"$output"
	[ $code -eq 0 ] || { cat "$output" "$tmp/errors"; fail "run=$run: exit code $code"; }
}

"$make_disk" create "$tmp/disk" 2>/dev/null >&2 || fail "cannot make the disk"
boot "$tmp/output" exercise -drive "file=$tmp/disk,format=raw" </dev/null
sed 1d "$here/exercise.expected" | diff -u - "$tmp/output" || fail "the output differs"
"$make_disk" verify "$tmp/disk" || fail "the disk is not what the guest should have left"

# Opening the serial port throws away what has come before: wait for the prompt. The terminal echoes the
# commands, so look for what only their results contain.
type_commands() {
	until grep -q '/ # ' "$tmp/raw" 2>/dev/null; do sleep 0.1; done
	printf 'echo sum $((40 + 2))\nuname -rm | sed s/^6.1.*i/version-6.1-i/\nexit\n'
}
: >"$tmp/raw"
type_commands | boot "$tmp/output" shell
for want in 'sum 42' 'version-6.1-i686'; do
	grep -q "$want" "$tmp/output" || { cat "$tmp/output"; fail "the shell did not print: $want"; }
done
echo "SUCCESS boot-native: exercise $(grep -c '^ok' "$here/exercise.expected") of $(sed -n 's/^1\.\.//p' "$here/exercise.expected"), shell"
