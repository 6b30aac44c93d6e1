#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Kernel modules, built with the toolchain, loaded and unloaded by Linux: what they find there must be the
# same natively and on platform linux. Of records that are wrong, and of code without any, the user must
# hear; the machine goes on.
#   modules.sh AFTERBURN LINUX-GUEST-BUILD-DIR AFTERBURN-GCC
set -u
[ $# -eq 3 ] || { echo "usage: modules.sh AFTERBURN LINUX-GUEST-BUILD-DIR AFTERBURN-GCC" >&2; exit 2; }
afterburn=$1 guest=$(realpath "$2") cc=$(realpath "$3")
kernel=$(realpath "$guest/padded")
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILURE modules: $*"
	exit 1
}

mkdir "$tmp/module"
cp "$here"/module/* "$tmp/module"
make -s -C "$kernel/source" O="$kernel/build" ARCH=i386 CC="$cc" M="$tmp/module" modules >"$tmp/log" 2>&1 ||
	{ cat "$tmp/log"; fail "the modules do not compile"; }
for m in sensitive other; do
	"$afterburn" check "$tmp/module/$m.ko" || fail "$m.ko: check finds defects"
done

# A second archive behind the first: the kernel unpacks both.
{
	echo "file /exercise $here/module/exercise 755 0 0"
	echo "dir /modules 755 0 0"
	for m in "$tmp"/module/*.ko; do echo "file /modules/$(basename "$m") $m 644 0 0"; done
} >"$tmp/list"
"$kernel/gen_init_cpio" -t 0 "$tmp/list" >"$tmp/overlay" || fail "cannot pack the modules"
cat "$guest/initramfs.cpio" "$tmp/overlay" >"$tmp/initrd"

# boot PLATFORM OPTION...
boot() {
	timeout 180 "$afterburn" run -on "$1" -m 64M -initrd "$tmp/initrd" -no-reboot -serial stdio \
		-append "console=ttyS0 quiet reboot=k" "${@:2}" "$guest/padded/vmlinux" \
		</dev/null 2>"$tmp/$1.err" | tr -d '\r' >"$tmp/$1.out"
	[ "${PIPESTATUS[0]}" -eq 0 ] || { cat "$tmp/$1.out" "$tmp/$1.err"; fail "exit status on $1"; }
}

# told N TEXT: so many lines of messages say this.
told() {
	n=$(grep -c -e "$2" "$tmp/linux.err")
	[ "$n" -ge "$1" ] || { cat "$tmp/linux.err"; fail "told $n times, not $1: $2"; }
}

boot native
boot linux
diff -u "$tmp/native.out" "$tmp/linux.out" || fail "native and linux differ"
for want in 'loaded sensitive' 'unloaded other' 'init done, interrupts 1' 'mov dr 12345678' 'static key 010' 'rounds 20' 'broken gone'; do
	grep -q "$want" "$tmp/linux.out" || { cat "$tmp/linux.out"; fail "missing: $want"; }
done
[ "$(grep -c 'init done' "$tmp/linux.out")" -eq 22 ] || fail "not every load has run"
told 10 'its record at .*left as it is'
told 1 'overlaps'
told 1 'str, and no record of it'
if grep -v 'which the guest loaded' "$tmp/linux.err"; then fail "other messages"; fi
for option in --no-rewrite '-isolation process'; do
	# shellcheck disable=SC2086
	boot linux $option
	diff -u "$tmp/native.out" "$tmp/linux.out" || fail "native and linux $option differ"
done
echo "SUCCESS modules"
