#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Programs of the guest that do what no program does (crashme.c), as an unprivileged user: Linux outlives them
# without an oops, with either isolation.
#   [SEED=N] [PROGRAMS=1000] crash-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR CRASHME
set -u
[ $# -eq 3 ] || { echo "usage: crash-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR CRASHME" >&2; exit 2; }
afterburn=$1 guest=$2 crashme=$3
: "${SEED:=$RANDOM$RANDOM}" "${PROGRAMS:=1000}"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$tmp/root"
cp "$crashme" "$tmp/root/crashme"
cat >"$tmp/root/crash" <<'GUEST'
#!/bin/busybox sh
/bin/busybox mkdir -p /bin /proc /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
seq 1 20000 >/tmp/before
/crashme "$seed" "$programs" || echo "crashme: exit code $?"
seq 1 20000 | cmp - /tmp/before && echo "the guest goes on"
dmesg | grep -E 'Oops|BUG|WARNING|Call Trace'
reboot -f
GUEST
chmod 755 "$tmp/root/crash"
(cd "$tmp/root" && printf 'crash\ncrashme\n' | cpio -o -H newc 2>/dev/null) >"$tmp/crash.cpio"
cat "$guest/initramfs.cpio" "$tmp/crash.cpio" >"$tmp/initramfs"

for isolation in segment process; do
	code=0
	timeout 120 "$afterburn" run -on linux -isolation $isolation -m 64M -no-reboot -initrd "$tmp/initramfs" \
		-append "console=ttyS0 quiet reboot=k rdinit=/crash seed=$SEED programs=$PROGRAMS" \
		"$guest/padded/vmlinux" </dev/null >"$tmp/raw" 2>"$tmp/errors" || code=$?
	tr -d '\r' <"$tmp/raw" >"$tmp/output"
	if [ $code -ne 0 ] || ! grep -aq 'the guest goes on' "$tmp/output" || ! grep -aq 'crashme: signals' "$tmp/output" ||
		grep -aqE 'Oops|BUG|WARNING|Call Trace' "$tmp/output"; then
		cat "$tmp/output" "$tmp/errors"
		echo "FAILURE crash-linux: SEED=$SEED, -isolation $isolation, exit code $code"
		exit 1
	fi
	echo "ok crash-linux -isolation $isolation: $(sed -n 's/.*crashme: //p' "$tmp/output"), SEED=$SEED"
done
