#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Disks of platform linux: two at once, read-only, discard, an image in use, a host that cannot write,
# and what is on the disk after the machine was killed in the middle of writing.
#   disk-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR
set -eu
PATH=$PATH:/usr/sbin:/sbin
[ $# -eq 2 ] || { echo "usage: disk-linux.sh AFTERBURN LINUX-GUEST-BUILD-DIR" >&2; exit 2; }
afterburn=$1
guest=$2
here=$(cd "$(dirname "$0")" && pwd)
make_disk=$here/../../linux-guest/make-disk
tmp=$(mktemp -d)
machine=
trap '[ -z "$machine" ] || kill -9 $machine 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
# Long enough for a loaded machine; every wait ends with what it waits for.
patience=600

fail() {
	echo "FAILURE disk-linux: $*"
	cat "$tmp/output" "$tmp/errors"
	[ -z "$machine" ] || kill -9 $machine 2>/dev/null # a subshell has no trap
	exit 1
}

# start OPTION...: a machine with a shell at $tmp/input, which has come to its prompt.
start() {
	rm -f "$tmp/input"
	mkfifo "$tmp/input"
	: >"$tmp/output"
	"$afterburn" run -on linux -m 32M -initrd "$guest/initramfs.cpio" -no-reboot \
		-append "console=ttyS0 quiet reboot=k run=shell" "$@" "$guest/padded/vmlinux" \
		<"$tmp/input" >"$tmp/output" 2>"$tmp/errors" &
	machine=$!
	exec 3>"$tmp/input"
	wait_for '/ # '
}

wait_for() {
	n=0
	until grep -q "$1" "$tmp/output"; do
		n=$((n + 1))
		[ $n -lt $patience ] || fail "no \"$1\" from the guest"
		sleep 0.1
	done
}

# type_line COMMAND: the guest prints "done N" behind the command's output, which its echo does not.
commands=0
type_line() {
	commands=$((commands + 1))
	echo "$1; echo done \$((1000 + $commands))" >&3
	wait_for "^done $((1000 + commands))"
}

leave() {
	echo exit >&3
	exec 3>&-
	wait $machine || fail "exit code $?"
	machine=
}

said() { grep -q "$1" "$tmp/output" || fail "the guest did not say \"$1\""; }

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

# --- killed while it writes
mke2fs -q -t ext4 "$tmp/journal" 32M >/dev/null 2>&1
start -drive "file=$tmp/journal,format=raw"
type_line 'mount -t ext4 /dev/vda /mnt'
type_line '(while :; do dd if=/dev/urandom of=/mnt/noise bs=64k count=64; done) >/dev/null 2>&1 & true'
echo 'i=0; while :; do i=$((i + 1)); echo content $i >/mnt/f$i; sync; echo flushed $i; done' >&3
wait_for '^flushed 20'
kill -9 $machine
wait $machine 2>/dev/null || true
machine=
exec 3>&-
last=$(sed -n 's/^flushed \([0-9]*\).*/\1/p' "$tmp/output" | tail -n 1)
code=0
# As at boot: the journal is replayed, counters that it does not hold are set; damage is exit code 4.
e2fsck -fp "$tmp/journal" >"$tmp/fsck" 2>&1 || code=$?
[ $code -le 1 ] || { cat "$tmp/fsck"; fail "fsck after kill -9: exit code $code"; }
grep -q 'recovering journal' "$tmp/fsck" || fail "it was not killed while it wrote: $(cat "$tmp/fsck")"
e2fsck -fn "$tmp/journal" >"$tmp/fsck" 2>&1 || { cat "$tmp/fsck"; fail "the file system is damaged"; }
i=1
while [ $i -le "$last" ]; do
	[ "$(debugfs -R "cat /f$i" "$tmp/journal" 2>/dev/null)" = "content $i" ] ||
		fail "what was flushed is lost: file $i of $last"
	i=$((i + 1))
done
echo "SUCCESS disk-linux: killed after $last flushed files, none lost"
