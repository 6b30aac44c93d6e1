#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Disks of platform linux: two at once, read-only, discard, an image in use, a host that cannot write.
#   disk-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=machine.sh
. "$here/machine.sh"
machine_begin disk-linux "$@"
make_disk=$here/../../linux-guest/make-disk

# --- two disks, the second read-only
"$make_disk" create "$tmp/a" 2>/dev/null >&2 || fail "cannot make the disk"
cp "$tmp/a" "$tmp/b"
before=$(sha256sum <"$tmp/b")
start -drive "file=$tmp/a,format=raw" -drive "file=$tmp/b,format=raw,readonly=on"
type_line 'cat /sys/block/vdb/ro | sed s/^/read-only-/'
said read-only-1
type_line 'mount -t ext2 /dev/vda /mnt && (cd /mnt && sha256sum -c SHA256SUMS | grep -c OK$) && rm /mnt/numbers && umount /mnt'
type_line 'mount -t ext2 -o ro /dev/vdb /mnt && cat /mnt/deep/er/note; umount /mnt'
said '^made on the host'
type_line 'dd if=/dev/zero of=/dev/vdb count=1 2>/dev/null || echo cannot write vdb | tr a-z A-Z'
said '^CANNOT WRITE VDB'

# --- an image in use
for way in "" ,readonly=on; do
	code=0
	timeout 60 "$afterburn" run -drive "file=$tmp/a$way" "$guest/padded/vmlinux" \
		</dev/null >/dev/null 2>"$tmp/second" || code=$?
	[ $code -eq 2 ] && grep -q 'in use' "$tmp/second" ||
		fail "a second machine on the same image${way}: exit code $code, $(cat "$tmp/second")"
done
leave
[ "$before" = "$(sha256sum <"$tmp/b")" ] || fail "the read-only image has changed"
e2fsck -fn "$tmp/a" >/dev/null 2>&1 || fail "the file system is damaged"
debugfs -R "stat /numbers" "$tmp/a" 2>&1 | grep -q 'not found' || fail "the file is still there"

# --- the host cannot write; discard gives its storage back
truncate -s 64M "$tmp/full"
dd if=/dev/urandom of="$tmp/full" bs=1M count=16 conv=notrunc 2>/dev/null
blocks=$(stat -c %b "$tmp/full")
(
	ulimit -f $((48 * 1024 * 1024 / 512)) # in the units of POSIX
	start -drive "file=$tmp/full,format=raw"
	type_line 'dd if=/dev/zero of=/dev/vda bs=1M seek=50 count=1 conv=fsync 2>&1 || echo cannot write | tr a-z A-Z'
	said '^CANNOT WRITE'
	type_line 'echo still there | dd of=/dev/vda bs=1M seek=20 conv=fsync,notrunc 2>/dev/null && echo written | tr a-z A-Z'
	said '^WRITTEN'
	type_line 'blkdiscard -o 0 -l 16777216 /dev/vda && echo discarded | tr a-z A-Z'
	said '^DISCARDED'
	leave
	grep -q 'File too large' "$tmp/errors" || fail "no message about the host's error"
) || exit 1
[ "$(dd if="$tmp/full" bs=1M skip=20 count=1 2>/dev/null | head -c 11)" = "still there" ] ||
	fail "the disk is not usable after an error"
[ "$(stat -c %b "$tmp/full")" -lt $((blocks - 30000)) ] || fail "discard gave nothing back"

echo "SUCCESS disk-linux: two disks, locks, errors, discard"
