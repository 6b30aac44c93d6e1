#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A guest that resets the machine is booted again as the first time, on every platform.
set -u
srcdir=${srcdir:-$(dirname "$0")/../..}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
./afterburner/afterburn-gcc -m32 -c "$srcdir/tests/loader/reset.S" -o "$dir/reset.o" &&
	ld -m elf_i386 -N --no-warn-rwx-segments -Ttext=0x100000 -e _start -o "$dir/reset" "$dir/reset.o" ||
	exit 99
printf '000\n001\n002\n' > "$dir/expected"
failed=0
echo 1..3
for platform in native linux; do
	timeout 60 ./afterburn run -on $platform -m 16M "$dir/reset" < /dev/null > "$dir/out"
	status=$?
	if [ $status -eq 1 ] && cmp "$dir/out" "$dir/expected"; then
		echo "ok - boots three times on $platform"
	else
		echo "not ok - boots three times on $platform: exit status $status: $(cat "$dir/out")"
		failed=1
	fi
done
timeout 60 ./afterburn run -on linux -m 16M -no-reboot "$dir/reset" < /dev/null > "$dir/out"
if [ $? -eq 0 ] && [ "$(cat "$dir/out")" = 000 ]; then
	echo "ok - -no-reboot ends at the first reset"
else
	echo "not ok - -no-reboot ends at the first reset: $(cat "$dir/out")"
	failed=1
fi
exit $failed
