#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Short boots, two at a time without a pause, of either isolation in turn, none of which fails. Each machine has a token of its own: it
# fills memory and its disk with it, computes, forks, looks whether all is still its own, and powers off. Neither
# its output nor its disk holds anything of the other's.
#   soak.sh AFTERBURN LINUX-GUEST-BUILD-DIR [BOOTS=30]
set -u
[ $# -ge 2 ] || { echo "usage: soak.sh AFTERBURN LINUX-GUEST-BUILD-DIR [BOOTS]" >&2; exit 2; }
afterburn=$1
guest=$2
boots=${3-30}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 1' HUP INT TERM
isolations=(segment process) # in turn
mib=4 # of memory, and of disk

# The guest's first process, in a second archive behind the initramfs.
mkdir "$tmp/root"
cat >"$tmp/root/soak" <<'GUEST'
#!/bin/busybox sh
/bin/busybox mkdir -p /bin /proc /dev /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp

pattern() { yes "$token" | head -c $((mib << 20)); }
is_pattern() { pattern | cmp -s - "$1"; }

pattern >/tmp/memory
is_pattern /tmp/memory || echo "memory is lost"
pattern | dd of=/dev/vda bs=64k conv=fsync 2>/dev/null
i=0
while [ $i -lt 20 ]; do
	i=$((i + 1))
	[ "$(echo "$token" | md5sum)" = "$sum  -" ] || echo "wrong sum"
	echo "line $i of $token"
done
echo 3 >/proc/sys/vm/drop_caches
is_pattern /tmp/memory || echo "memory is not what it was"
head -c $((mib << 20)) /dev/vda >/tmp/disk
is_pattern /tmp/disk || echo "the disk is not what it was"
echo "end of $token"
reboot -f
GUEST
chmod 755 "$tmp/root/soak"
(cd "$tmp/root" && echo soak | cpio -o -H newc 2>/dev/null) >"$tmp/soak.cpio"
cat "$guest/initramfs.cpio" "$tmp/soak.cpio" >"$tmp/initramfs"

wanted_output() {
	for i in {1..20}; do echo "line $i of $1"; done
	echo "end of $1"
	echo "reboot: Restarting system"
}

# boot N: one machine, from nothing to its end.
boot() {
	local dir=$tmp/$1 token=token-$1-$RANDOM$RANDOM code=0 sum begin=$EPOCHREALTIME
	mkdir "$dir"
	truncate -s ${mib}M "$dir/disk"
	sum=$(echo "$token" | md5sum)
	timeout 60 "$afterburn" run -on linux -isolation "${isolations[$1 % 2]}" -m 48M -no-reboot -initrd "$tmp/initramfs" \
		-drive "file=$dir/disk,format=raw" \
		-append "console=ttyS0 quiet reboot=k rdinit=/soak token=$token sum=${sum%% *} mib=$mib" \
		"$guest/padded/vmlinux" </dev/null >"$dir/raw" 2>"$dir/errors" || code=$?
	tr -d '\r' <"$dir/raw" >"$dir/output"
	if [ $code -eq 0 ] && wanted_output "$token" | cmp -s - "$dir/output" && [ ! -s "$dir/errors" ] &&
		yes "$token" 2>/dev/null | head -c $((mib << 20)) | cmp -s - "$dir/disk"; then
		rm -r "$dir"
		echo "$((${EPOCHREALTIME/./} - ${begin/./}))" >"$tmp/time.$1"
		return
	fi
	echo "FAILURE soak: boot $1, exit code $code, token $token"
	wanted_output "$token" | diff - "$dir/output"
	cat "$dir/errors"
	return 1
}

for ((n = 0; n < boots; n++)); do
	[ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n || exit 1
	boot $n &
done
wait
[ "$(find "$tmp" -name 'time.*' | wc -l)" -eq "$boots" ] || exit 1
sort -n "$tmp"/time.* | awk -v boots="$boots" '{ t[NR] = $1 / 1e6 }
	END { printf "SUCCESS soak: %d boots, two at a time, %.2f to %.2f s, median %.2f\n", boots, t[1], t[NR], t[int((NR + 1) / 2)] }'
