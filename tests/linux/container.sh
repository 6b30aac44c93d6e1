#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# In a container with no capability, the default system call filter, a read-only root and nobody's rights
# (contain.c): the sample guest and Linux, with disk and network, print what they print outside.
#   container.sh AFTERBURN LINUX-GUEST-BUILD-DIR SAMPLE-GUEST CONTAIN
set -u
[ $# -eq 4 ] || { echo "usage: container.sh AFTERBURN LINUX-GUEST-BUILD-DIR SAMPLE-GUEST CONTAIN" >&2; exit 2; }
afterburn=$1 guest=$2 sample=$3 contain=$4
here=$(cd "$(dirname "$0")" && pwd)
make_disk=$here/../../linux-guest/make-disk
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILURE container: $*"
	tail -n 40 "$tmp/output" "$tmp/errors"
	exit 1
}

# The image: the program, its libraries where it looks for them, the guests; and a volume.
root=$tmp/root
mkdir -p "$root"/{proc,dev,data}
cp "$afterburn" "$guest/padded/vmlinux" "$guest/initramfs.cpio" "$sample" "$root"
ldd "$afterburn" | grep -o '/[^ ]*' | while read -r library; do
	install -D "$library" "$root$library"
done
chmod -R a+rX "$tmp"

# run OPTION...: its output without carriage returns, the exit code in $code.
run() {
	timeout 180 "$contain" "$root" -v "$root/data" /afterburn run -on linux -m 64M -no-reboot "$@" \
		</dev/null >"$tmp/raw" 2>"$tmp/errors"
	code=$?
	tr -d '\r' <"$tmp/raw" >"$tmp/output"
	[ $code -ne 77 ] || { echo "SKIP container: $(tail -n 1 "$tmp/errors")"; exit 0; }
}

run /sample
for have in 'Uid:.*65534' 'CapPrm:.*0000000000000000' 'CapEff:.*0000000000000000' 'CapBnd:.*0000000000000000' \
	'NoNewPrivs:.*1' 'Seccomp:.*2' 'unshare: Operation not permitted' 'write to /: Read-only'; do
	grep -q "^$have" "$tmp/errors" || fail "this is not what a container is like: no \"$have\""
done
[ $code -eq 1 ] || fail "sample guest: exit code $code"
"$afterburn" run -on linux -m 64M -no-reboot "$sample" </dev/null 2>/dev/null | tr -d '\r' |
	diff - "$tmp/output" || fail "sample guest: the output differs"

for isolation in segment process; do
	"$make_disk" create "$root/data/disk" >/dev/null 2>&1 || fail "cannot make the disk"
	chmod a+w "$root/data/disk"
	run -isolation $isolation -drive file=/data/disk -nic user,hostfwd=tcp:127.0.0.1:8080-:80 -initrd /initramfs.cpio \
		-append "console=ttyS0 quiet reboot=k run=exercise" /vmlinux
	[ $code -eq 0 ] || fail "Linux, -isolation $isolation: exit code $code"
	sed 1d "$here/exercise.expected" | diff - "$tmp/output" || fail "Linux, -isolation $isolation: the output differs"
	"$make_disk" verify "$root/data/disk" || fail "-isolation $isolation: the disk is not what the guest left"
done
echo "SUCCESS container: sample guest, Linux with disk and network, both isolations"
